//! The instructions that are chosen are those that compute.

use softmoe_nets::kernels::{InstructionSet, Matrix, MatrixMut, choose, instruction_set, product};

/// In one test: the choice is the whole process's.
#[test]
fn every_set_that_there_is_can_be_chosen_and_multiplies() {
    let (a, b) = ([1.0_f32, 2.0, 3.0, 4.0], [5.0_f32, 6.0, 7.0, 8.0]);
    let best = *InstructionSet::available().last().unwrap();
    for set in InstructionSet::ALL {
        if !InstructionSet::available().contains(&set) {
            assert!(choose(Some(set)).is_err());
            continue;
        }
        choose(Some(set)).unwrap();
        assert_eq!(instruction_set(), set);
        let mut c = [0.0; 4];
        product(MatrixMut::new(&mut c, 2, 2), Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2), false);
        assert_eq!(c, [19.0, 22.0, 43.0, 50.0]);
    }
    choose(None).unwrap();
    if std::env::var_os("SOFTMOE_KERNELS").is_none() {
        assert_eq!(instruction_set(), best);
    }
}
