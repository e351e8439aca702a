//! The error of sums over many terms, against double precision, at the sizes of the networks.
//!
//! An error is relative to the sum of the terms' absolute values. A sum that adds n terms one after the other has an
//! error of at most lambda u sqrt(n), with u half a unit in the last place, but for a probability that falls with
//! exp(-lambda^2 / 2) (Higham and Mary 2019). Here lambda is 2; the worst case would be u n.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_nets::kernels::{
    Matrix, MatrixMut, add_row_sums, product, relu_backward_with_row_sums, row_dots,
    softmax_backward_columns, softmax_backward_rows, softmax_columns, softmax_rows,
};

const SEEDS: u64 = 20;

/// Values in [low, 1).
fn random(len: usize, low: f32, seed: u64) -> Vec<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(low..1.0)).collect()
}

/// 2 u sqrt(n), and a few roundings more.
fn bound(n: usize) -> f64 {
    0.5 * f64::from(f32::EPSILON) * (4.0 + 2.0 * (n as f64).sqrt())
}

/// The largest of `errors`, which must be within the bound for `n` terms one after the other.
fn check(what: &str, n: usize, errors: impl Iterator<Item = f64>) {
    let worst = errors.fold(0.0, f64::max);
    println!("{what}: {worst:.1e} of at most {:.1e}", bound(n));
    assert!(worst < bound(n), "{what}: an error of {worst:e}, more than {:e}", bound(n));
}

/// The error of `got` against the sum of `terms`.
fn error(got: f32, terms: impl Iterator<Item = f64>) -> f64 {
    let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + f64::abs(term)));
    if size == 0.0 { f64::from(got).abs() } else { (f64::from(got) - sum).abs() / size }
}

/// Gradients of biases: of dense layers and experts (rows are samples or slots), of convolutions (rows are positions).
#[test]
fn sums_over_rows() {
    for low in [0.0, -1.0] {
        for (rows, columns) in [(32, 512), (512, 128), (2_048, 16), (14_112, 32), (28_224, 16), (900, 7)] {
            let errors = (0..SEEDS.min(2_000_000 / (rows * columns) as u64 + 1)).flat_map(|seed| {
                let x = random(rows * columns, low, seed);
                let mut sum = vec![0.0; columns];
                add_row_sums(&mut sum, &x);
                let of_column = |j: usize| x[j..].iter().step_by(columns).map(|&x| f64::from(x));
                sum.iter().enumerate().map(|(j, &sum)| error(sum, of_column(j))).collect::<Vec<_>>()
            });
            let in_a_row = if columns < 16 { rows } else { rows / 4 };
            check(&format!("add_row_sums {rows} x {columns}, from {low}"), in_a_row, errors);
        }
        for (rows, columns) in [(512, 128), (1_024, 64), (512, 512)] {
            let errors = (0..SEEDS).flat_map(|seed| {
                let (mut dy, y) =
                    (random(rows * columns, low, seed), random(rows * columns, -1.0, seed + 100));
                let mut sum = vec![0.0; columns];
                relu_backward_with_row_sums(&mut dy, &y, &mut sum);
                let of_column = |j: usize| dy[j..].iter().step_by(columns).map(|&dy| f64::from(dy));
                sum.iter().enumerate().map(|(j, &sum)| error(sum, of_column(j))).collect::<Vec<_>>()
            });
            check(&format!("relu_backward_with_row_sums {rows} x {columns}, from {low}"), rows, errors);
        }
    }
}

/// Gradients of Phi and of weights: the inner loop of a product goes over tokens, samples or features.
#[test]
fn inner_loops_of_products() {
    for low in [0.0, -1.0] {
        for k in [32, 121, 512, 3_136, 7_744] {
            let errors = (0..SEEDS).flat_map(|seed| {
                let (m, n) = (8, 40);
                let (a, b) = (random(m * k, low, seed), random(k * n, low, seed + 100));
                let mut c = vec![0.0; m * n];
                product(MatrixMut::new(&mut c, m, n), Matrix::new(&a, m, k), Matrix::new(&b, k, n), false);
                let terms = |place: usize| {
                    let column = b[place % n..].iter().step_by(n);
                    let row = &a[place / n * k..][..k];
                    row.iter().zip(column).map(|(&a, &b)| f64::from(a) * f64::from(b))
                };
                c.iter().enumerate().map(|(place, &c)| error(c, terms(place))).collect::<Vec<_>>()
            });
            check(&format!("product over {k}, from {low}"), k, errors);
        }
        for columns in [16, 64, 969, 3_136] {
            let errors = (0..SEEDS).flat_map(|seed| {
                let (a, b) = (random(9 * columns, low, seed), random(9 * columns, low, seed + 100));
                let mut y = vec![0.0; 9];
                row_dots(&mut y, &a, &b);
                let rows = a.chunks(columns).zip(b.chunks(columns));
                let terms = |(a, b): (&[f32], &[f32])| -> Vec<f64> {
                    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).collect()
                };
                y.iter().zip(rows).map(|(&y, rows)| error(y, terms(rows).into_iter())).collect::<Vec<_>>()
            });
            check(&format!("row_dots over {columns}, from {low}"), columns / 16, errors);
        }
    }
}

/// Softmax over slots or atoms (rows), and over tokens (columns); the error is relative to the value itself.
#[test]
fn softmax() {
    for n in [51, 64, 121, 400] {
        let columns = 17;
        let (mut rows_errors, mut columns_errors) = (Vec::new(), Vec::new());
        for seed in 0..SEEDS {
            let x: Vec<f32> = random(n * columns, -1.0, seed).into_iter().map(|x| 6.0 * x).collect();
            let want = |x: &[f64]| -> Vec<f64> {
                let sum: f64 = x.iter().map(|x| x.exp()).sum();
                x.iter().map(|x| x.exp() / sum).collect()
            };
            let relative = |got: f32, want: f64| (f64::from(got) - want).abs() / want;
            let mut y = vec![0.0; x.len()];
            softmax_rows(&mut y, &x, n);
            for (y, x) in y.chunks(n).zip(x.chunks(n)) {
                let want = want(&x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
                rows_errors.extend(y.iter().zip(want).map(|(&y, want)| relative(y, want)));
            }
            softmax_columns(&mut y, &x, &mut vec![0.0; columns]);
            for j in 0..columns {
                let column: Vec<f64> = x[j..].iter().step_by(columns).map(|&x| f64::from(x)).collect();
                let got = y[j..].iter().step_by(columns);
                columns_errors.extend(got.zip(want(&column)).map(|(&y, want)| relative(y, want)));
            }
        }
        // The exponential and the reciprocal of the sum add five units in the last place to the error of the sum.
        let more = 5.0 * f64::from(f32::EPSILON);
        let within = |errors: Vec<f64>| errors.into_iter().map(move |error| (error - more).max(0.0));
        check(&format!("softmax_rows over {n}"), n / 16, within(rows_errors));
        check(&format!("softmax_columns over {n}"), n, within(columns_errors));
    }
}

/// The gradient of softmax: dx = y (dy - sum y dy), relative to y times the size of the two terms.
#[test]
fn gradients_of_softmax() {
    for n in [51, 64, 121, 400] {
        let columns = 17;
        let (mut rows_errors, mut columns_errors) = (Vec::new(), Vec::new());
        for seed in 0..SEEDS {
            let x: Vec<f32> = random(n * columns, -1.0, seed).into_iter().map(|x| 6.0 * x).collect();
            let dy = random(n * columns, -1.0, seed + 100);
            let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            let relative = |dx: f32, y: f32, dy: f32, dot: f64, size: f64| {
                let (y, dy) = (f64::from(y), f64::from(dy));
                (f64::from(dx) - y * (dy - dot)).abs() / (y * (dy.abs() + size))
            };
            let dot = |y: &[f32], dy: &[f32]| {
                let terms = y.iter().zip(dy).map(|(&y, &dy)| f64::from(y) * f64::from(dy));
                terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
            };
            softmax_rows(&mut y, &x, n);
            softmax_backward_rows(&mut dx, &dy, &y, n);
            for (dx, (dy, y)) in dx.chunks(n).zip(dy.chunks(n).zip(y.chunks(n))) {
                let (dot, size) = dot(y, dy);
                let each = dx.iter().zip(dy).zip(y);
                rows_errors.extend(each.map(|((&dx, &dy), &y)| relative(dx, y, dy, dot, size)));
            }
            dx.fill(0.0);
            softmax_columns(&mut y, &x, &mut vec![0.0; columns]);
            softmax_backward_columns(&mut dx, &dy, &y, &mut vec![0.0; columns]);
            let column = |x: &[f32], j: usize| x[j..].iter().step_by(columns).copied().collect::<Vec<_>>();
            for j in 0..columns {
                let (dx, dy, y) = (column(&dx, j), column(&dy, j), column(&y, j));
                let (dot, size) = dot(&y, &dy);
                let each = dx.iter().zip(&dy).zip(&y);
                columns_errors.extend(each.map(|((&dx, &dy), &y)| relative(dx, y, dy, dot, size)));
            }
        }
        check(&format!("softmax_backward_rows over {n}"), n / 16, rows_errors.into_iter());
        check(&format!("softmax_backward_columns over {n}"), n, columns_errors.into_iter());
    }
}
