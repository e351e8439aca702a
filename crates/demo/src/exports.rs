//! The functions that the page calls, and the memory that they share with it.
//!
//! To make a request, the page calls `buffer(length)`, which returns the address for the input, and writes the input there. It calls
//! `open(length)` or `ask(length)`, which return the length of the answer, and then `answer()`, which returns its address. Addresses are
//! offsets in the module's memory. No function has an `unsafe` block. The lint is about the attribute `no_mangle`: of two exported functions
//! with the same name, one would replace the other. The program exports no other functions than these four.
#![allow(unsafe_code)]

use crate::pack::Pack;
use crate::protocol::{Answer, answer as answer_to};
use crate::stage::Stage;
use std::cell::RefCell;

thread_local! {
    static MODULE: RefCell<Module> = const { RefCell::new(Module { input: Vec::new(), answer: String::new(), stage: None }) };
}

struct Module {
    input: Vec<u8>,
    answer: String,
    stage: Option<Stage>,
}

/// Makes room for an input of `length` bytes, and returns its address.
#[unsafe(no_mangle)]
extern "C" fn buffer(length: usize) -> *mut u8 {
    MODULE.with_borrow_mut(|module| {
        module.input.clear();
        module.input.resize(length, 0);
        module.input.as_mut_ptr()
    })
}

/// Reads the input as a pack of agents, and answers with facts about the agents. Returns the length of the answer.
#[unsafe(no_mangle)]
extern "C" fn open(length: usize) -> usize {
    MODULE.with_borrow_mut(|module| {
        let input = std::mem::take(&mut module.input);
        let pack = Pack::from_bytes(input.get(..length).unwrap_or(&input));
        let answer = match pack.and_then(Stage::new) {
            Ok(stage) => Answer::Agents(module.stage.insert(stage).facts()),
            Err(error) => Answer::Error(error.to_string()),
        };
        module.say(answer.to_json())
    })
}

/// Follows the request in the input. Returns the length of the answer.
#[unsafe(no_mangle)]
extern "C" fn ask(length: usize) -> usize {
    MODULE.with_borrow_mut(|module| {
        let request = module.input.get(..length).unwrap_or(&module.input);
        let said = match &mut module.stage {
            Some(stage) => answer_to(stage, request),
            None => Answer::Error("no pack of agents is open".to_owned()).to_json(),
        };
        module.say(said)
    })
}

/// The address of the last answer.
#[unsafe(no_mangle)]
extern "C" fn answer() -> *const u8 {
    MODULE.with_borrow(|module| module.answer.as_ptr())
}

impl Module {
    fn say(&mut self, answer: String) -> usize {
        self.answer = answer;
        self.answer.len()
    }
}
