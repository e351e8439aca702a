//! Trained MinAtar agents that play in a web page, with the outputs of their networks.
//!
//! The games are [`softmoe_minatar`]'s, the forward passes [`softmoe_nets`]'s and the choice of actions [`softmoe_agents`]'s, all compiled to
//! WebAssembly. A page has one [`pack`] of agents. The [`stage`] plays one game at a time, and exchanges JSON with the page ([`protocol`]).
//!
//! | module | contents |
//! |---|---|
//! | [`pack`] | agents as bytes: settings, weights, score |
//! | [`rounding`] | weights rounded to 8 bits |
//! | [`stage`] | the game in progress, and the agent that plays it |
//! | [`protocol`] | requests from the page, and the answers |
//!
//! A page that asks for an agent it does not have gets an error as its answer:
//!
//! ```
//! use softmoe_demo::pack::Pack;
//! use softmoe_demo::protocol::answer;
//! use softmoe_demo::stage::Stage;
//!
//! let bytes = Pack { agents: Vec::new() }.to_bytes();
//! let mut stage = Stage::new(Pack::from_bytes(&bytes)?)?;
//! let answer = answer(&mut stage, br#"{"new_game": {"agent": 0, "seed": null}}"#);
//! assert_eq!(answer, r#"{"error":"there is no agent 0: the page has 0 agents"}"#);
//! # Ok::<(), softmoe_demo::DemoError>(())
//! ```
#![deny(missing_docs)]

mod error;
#[cfg(target_arch = "wasm32")]
mod exports;
pub mod pack;
pub mod protocol;
pub mod rounding;
pub mod stage;

pub use error::DemoError;
