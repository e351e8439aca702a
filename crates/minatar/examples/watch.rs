//! Random play in a terminal with 24-bit colour: `cargo run -p softmoe-minatar --example watch -- seaquest`.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use softmoe_env::{Player, RgbFrame};
use softmoe_minatar::{Game, Settings, make};

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
    let mut player = Player::new(make(game, &Settings::default(), 0));
    let mut policy = Xoshiro256PlusPlus::seed_from_u64(0);
    print!("\x1b[2J");
    loop {
        print!("\x1b[H{}", coloured(&player.environment().render()));
        println!("{game}: {} points", player.episode_return());
        let action = policy.random_range(0..player.spec().actions);
        if player.step(action).finished.is_some() {
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
