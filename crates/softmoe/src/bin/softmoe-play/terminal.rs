//! A trained run that plays in the terminal, or a person who plays.

use crate::keys::{HELP, Keys};
use crate::session::Session;
use anyhow::{Context, Result, bail};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::{cursor, execute, terminal};
use softmoe::film::Screen;
use softmoe_console::output;
use softmoe_console::play::PlayOptions;
use softmoe_console::signals;
use std::io::{self, Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Keys for watching.
const KEYS: &str = "p: pause   n: next step   + -: speed   q: quit";
/// Pause between two episodes.
const PAUSE: Duration = Duration::from_millis(800);

/// The terminal in the mode for drawing. The former mode returns when this value is dropped.
struct Drawn;

impl Drawn {
    fn begin() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let drawn = Drawn;
        execute!(stdout(), terminal::EnterAlternateScreen, cursor::Hide, terminal::DisableLineWrap)?;
        Ok(drawn)
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        let _ = execute!(stdout(), terminal::EnableLineWrap, cursor::Show, terminal::LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

/// The person's input at the keyboard.
#[derive(Default)]
struct Wishes {
    quits: bool,
    is_paused: bool,
    /// One step while it is paused.
    steps: bool,
    /// Faster and slower, in powers of two.
    speed: i32,
    keys: Keys,
    is_resized: bool,
}

/// Shows the session until its end, or until the person quits.
pub(crate) fn show(mut session: Session, options: &PlayOptions) -> Result<ExitCode> {
    let (columns, rows) = size()?;
    let [least_columns, least_rows] = Screen::LEAST;
    if columns < least_columns || rows < least_rows {
        bail!(
            "the terminal has {columns} columns and {rows} rows, but at least {least_columns} and {least_rows} are needed: make it larger, \
             or write a file with `--gif FILE`"
        );
    }
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    signals::listen(move |_| heard.store(true, SeqCst)).context("cannot listen for signals")?;
    let drawn = Drawn::begin().context("cannot draw on the terminal")?;
    let returns = run(&mut session, options, (columns, rows), &stop);
    // Before anything is printed.
    drop(drawn);
    let (returns, steps) = returns?;
    let returns: Vec<String> = returns.iter().map(f64::to_string).collect();
    let told =
        if returns.is_empty() { "none ended".to_owned() } else { format!("returns {}", returns.join(", ")) };
    output::line(format_args!("{}: {steps} steps; episodes: {told}", session.title));
    Ok(ExitCode::SUCCESS)
}

/// The returns of the episodes that ended, and the number of steps.
fn run(
    session: &mut Session,
    options: &PlayOptions,
    (columns, rows): (usize, usize),
    stop: &AtomicBool,
) -> Result<(Vec<f64>, u64)> {
    let mut screen = Screen::new(columns, rows);
    let mut wishes = Wishes::default();
    let (mut returns, mut steps) = (Vec::new(), 0);
    let hint = if options.human { HELP } else { KEYS };
    let is_over = |returns: &Vec<f64>, steps: u64| {
        options.steps.is_some_and(|most| steps >= most)
            || options.episodes.is_some_and(|most| returns.len() as u64 >= most)
    };
    while !is_over(&returns, steps) {
        let chosen = options.human.then(|| wishes.keys.action(&session.actions, Instant::now()));
        let shot = session.shot(chosen);
        let period = Duration::from_secs(1).div_f64(f64::from(session.rate) * 2_f64.powi(wishes.speed));
        let mut due = Instant::now() + period;
        let mut is_drawn = false;
        loop {
            if wishes.is_resized {
                let (columns, rows) = size()?;
                screen.resize(columns, rows);
                execute!(stdout(), terminal::Clear(terminal::ClearType::All))?;
            }
            if !is_drawn || std::mem::take(&mut wishes.is_resized) {
                let text = screen.draw(&shot, &session.title, hint, !options.no_overlay);
                stdout().write_all(text.as_bytes())?;
                stdout().flush()?;
                is_drawn = true;
            }
            let now = Instant::now();
            if std::mem::take(&mut wishes.steps) || (now >= due && !wishes.is_paused) {
                break;
            }
            let wait = if wishes.is_paused { Duration::from_millis(100) } else { due - now };
            listen(&mut wishes, wait.min(Duration::from_millis(100)))?;
            if wishes.is_paused {
                due = Instant::now() + period;
            }
            if wishes.quits || stop.load(SeqCst) {
                return Ok((returns, steps));
            }
        }
        steps += 1;
        if let Some(finished) = session.step(&shot) {
            returns.push(finished);
            if !is_over(&returns, steps) {
                listen(&mut wishes, PAUSE)?;
            }
        }
    }
    Ok((returns, steps))
}

/// Listens to the keyboard for at most `wait`.
fn listen(wishes: &mut Wishes, wait: Duration) -> Result<()> {
    let mut wait = wait;
    while event::poll(wait)? {
        wait = Duration::ZERO;
        match event::read()? {
            Event::Resize(..) => wishes.is_resized = true,
            Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    wishes.quits = true
                }
                KeyCode::Char('q') | KeyCode::Esc => wishes.quits = true,
                KeyCode::Char('p') => wishes.is_paused = !wishes.is_paused,
                KeyCode::Char('n') => (wishes.is_paused, wishes.steps) = (true, true),
                KeyCode::Char('+') => wishes.speed = (wishes.speed + 1).min(4),
                KeyCode::Char('-') => wishes.speed = (wishes.speed - 1).max(-4),
                code => {
                    wishes.keys.press(code, Instant::now());
                }
            },
            _ => {}
        }
    }
    Ok(())
}

/// Columns and rows of the terminal.
fn size() -> Result<(usize, usize)> {
    let (columns, rows) = terminal::size().context("cannot find out the terminal's size")?;
    Ok((usize::from(columns), usize::from(rows)))
}
