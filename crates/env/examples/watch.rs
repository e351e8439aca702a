//! Random play in a terminal with 24-bit colour: `cargo run -p softmoe-env --example watch -- seaquest`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::RgbFrame;
use softmoe_env::minatar::{Game, Settings, make};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref().unwrap_or("breakout").parse() {
        Ok(game) => {
            play(game);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn play(game: Game) {
    let mut environment = make(game, &Settings::default(), 0);
    let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut total = 0.0;
    print!("\x1b[2J");
    loop {
        print!("\x1b[H{}", coloured(&environment.render()));
        println!("{game}: {total} points");
        let step = environment.step(policy.random_range(0..environment.actions()));
        total += step.reward;
        if step.terminal || step.truncated {
            return;
        }
        sleep(Duration::from_millis(60));
    }
}

/// The picture as text: two spaces in its colour for each pixel.
fn coloured(picture: &RgbFrame) -> String {
    let mut text = String::new();
    for y in 0..picture.height {
        for x in 0..picture.width {
            let [red, green, blue] = picture.pixel(x, y);
            text += &format!("\x1b[48;2;{red};{green};{blue}m  ");
        }
        text += "\x1b[0m\n";
    }
    text
}
