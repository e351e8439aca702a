//! Play in a terminal: a pseudo terminal takes the place of the user's.
#![cfg(all(unix, feature = "minatar"))]

mod worker;

use nix::pty::{OpenptyResult, Winsize, openpty};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use worker::{Run, SOFT_MOE, config};

/// The program in a terminal of `columns` by 50, and its output so far.
struct Terminal {
    program: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    fn start(run: &Run, columns: u16, arguments: &[&str]) -> Self {
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("softmoe-play"));
        command.arg(run.path()).args(arguments).env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let program = command.spawn().unwrap();
        // The command holds the other side of the terminal open.
        drop(command);
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            // At the end of the program, reading a terminal is an error on Linux.
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { program, keyboard, output, text: String::new() }
    }

    fn press(&mut self, keys: &str) {
        self.text.clear();
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether the program writes `part` within `time`.
    fn writes(&mut self, part: &str, time: Duration) -> bool {
        let until = Instant::now() + time;
        while !self.text.contains(part) {
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.text += &String::from_utf8_lossy(&bytes),
                Err(_) => return false,
            }
        }
        true
    }

    #[track_caller]
    fn wait_for(&mut self, part: &str) {
        assert!(self.writes(part, Duration::from_secs(60)), "no {part:?} in {:?}", self.text);
    }

    /// Waits for the end of the program. Returns whether it succeeded, and what it wrote since the last key.
    fn end(mut self) -> (bool, String) {
        let status = self.program.wait().unwrap();
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.text += &String::from_utf8_lossy(&bytes);
        }
        (status.success(), self.text)
    }
}

fn finished_run() -> Run {
    let run = Run::new(&config(SOFT_MOE));
    assert!(run.work().status.success());
    run
}

/// What the terminal shows again, and the cursor with it.
const RESTORED: [&str; 2] = ["\u{1b}[?1049l", "\u{1b}[?25h"];

#[test]
fn a_person_steers_the_game() {
    let run = finished_run();
    // So slowly that only keys take steps.
    let mut terminal = Terminal::start(&run, 160, &["--human", "--fps", "1"]);
    terminal.wait_for("arrows or WASD: move");
    terminal.press("p");
    // `n` takes the step that is due; the key before it decides the next one. A key counts for a fifth of a second, which a busy machine can
    // let pass.
    for (keys, shown) in [("\u{1b}[Dn", "left"), ("dn", "right"), (" n", "fire")] {
        let pressed = (0..30).any(|_| {
            terminal.press(keys);
            terminal.writes(&format!("   {shown}"), Duration::from_secs(2))
        });
        assert!(pressed, "{keys:?}: {:?}", terminal.text);
    }
    terminal.press("q");
    let (succeeded, text) = terminal.end();
    assert!(succeeded && RESTORED.iter().all(|part| text.contains(part)), "{text:?}");
    assert!(text.contains(" steps; episodes: "), "{text:?}");
}

#[test]
fn an_agent_plays_until_it_has_played_enough() {
    let run = finished_run();
    let mut terminal = Terminal::start(&run, 160, &["--terminal", "--steps", "5", "--fps", "50"]);
    terminal.wait_for("p: pause");
    terminal.wait_for("5 steps; episodes: ");
    let (succeeded, text) = terminal.end();
    assert!(succeeded && RESTORED.iter().all(|part| text.contains(part)), "{text:?}");
    assert!(text.contains("no-op"), "{text:?}");
}

#[test]
fn a_terminal_that_is_too_small_is_left_as_it_was() {
    let run = finished_run();
    let (succeeded, text) = Terminal::start(&run, 30, &["--terminal"]).end();
    assert!(!succeeded && text.contains("the terminal has 30 columns and 50 rows"), "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
