//! The options for watching a run, which the front end and `softmoe-play` share.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// How a run is watched.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct PlayOptions {
    /// Write a film as a GIF
    #[arg(long, value_name = "FILE")]
    pub gif: Option<PathBuf>,
    /// Write a film as an MP4; needs the program ffmpeg
    #[arg(long, value_name = "FILE")]
    pub mp4: Option<PathBuf>,
    /// Write a contact sheet: frames of the film side by side, as a PNG
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Show the game in the terminal, which needs 24-bit colours [default if no file is named]
    #[arg(long, conflicts_with_all = ["gif", "mp4", "png"])]
    pub terminal: bool,
    /// Play the game yourself, in the terminal; the network shows what it would do
    #[arg(long, conflicts_with_all = ["gif", "mp4", "png", "epsilon"])]
    pub human: bool,
    /// Episodes to play [default: 1 for a file, no limit in the terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub episodes: Option<u64>,
    /// Stop after this many steps [default: 300 for a GIF, 10000 for other files, no limit in the terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Seed of the episodes [default: the run's seed, which gives the episodes of its score]
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// Steps a second [default: 15 for Atari, the speed of the console; 10 elsewhere]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub fps: Option<u32>,
    /// Side of a pixel of the game in a film, in pixels [default: 2 for Atari, 28 for MinAtar]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub scale: Option<u32>,
    /// Frames of the contact sheet [default: 6]
    #[arg(long, value_name = "N", requires = "png", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub frames: Option<u32>,
    /// Probability of a random action [default: the agent's probability in evaluation]
    #[arg(long, value_name = "P", value_parser = probability)]
    pub epsilon: Option<f64>,
    /// Show the game alone, without experts and values
    #[arg(long)]
    pub no_overlay: bool,
}

impl PlayOptions {
    /// The same options as arguments of a command line.
    pub fn arguments(&self) -> Vec<OsString> {
        let PlayOptions { gif, mp4, png, terminal, human, no_overlay, .. } = self;
        let PlayOptions { episodes, steps, seed, fps, scale, frames, epsilon, .. } = self;
        let number = |value: &Option<u64>| value.map(|value| value.to_string().into());
        let short = |value: &Option<u32>| value.map(|value| value.to_string().into());
        let path = |value: &Option<PathBuf>| value.clone().map(PathBuf::into_os_string);
        let values: [(&str, Option<OsString>); 10] = [
            ("--gif", path(gif)),
            ("--mp4", path(mp4)),
            ("--png", path(png)),
            ("--episodes", number(episodes)),
            ("--steps", number(steps)),
            ("--seed", number(seed)),
            ("--fps", short(fps)),
            ("--scale", short(scale)),
            ("--frames", short(frames)),
            ("--epsilon", epsilon.map(|value| value.to_string().into())),
        ];
        let mut arguments = Vec::new();
        for (name, value) in values {
            // With an equals sign, a file's name may begin with a dash.
            arguments.extend(value.map(|value| {
                let mut argument = OsString::from(name);
                argument.push("=");
                argument.push(value);
                argument
            }));
        }
        for (name, is_given) in [("--terminal", terminal), ("--human", human), ("--no-overlay", no_overlay)] {
            arguments.extend(is_given.then(|| name.into()));
        }
        arguments
    }
}

fn probability(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    value.filter(|value| (0.0..=1.0).contains(value)).ok_or_else(|| "must be a number from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        options: PlayOptions,
    }

    fn parsed(arguments: Vec<OsString>) -> PlayOptions {
        let line = std::iter::once("program".into()).chain(arguments);
        Program::try_parse_from(line).unwrap().options
    }

    #[test]
    fn options_arrive_as_they_were_given() {
        let options = PlayOptions {
            gif: Some("-a b.gif".into()),
            mp4: Some("c.mp4".into()),
            png: Some("d.png".into()),
            episodes: Some(2),
            steps: Some(3),
            seed: Some(u64::MAX),
            fps: Some(5),
            scale: Some(6),
            frames: Some(7),
            epsilon: Some(0.001),
            no_overlay: true,
            ..PlayOptions::default()
        };
        assert_eq!(parsed(options.arguments()), options);
        for options in [
            PlayOptions { terminal: true, ..PlayOptions::default() },
            PlayOptions { human: true, ..PlayOptions::default() },
            PlayOptions::default(),
        ] {
            assert_eq!(parsed(options.arguments()), options);
        }
    }
}
