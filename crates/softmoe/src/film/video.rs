//! Videos, made by the program `ffmpeg`.

use softmoe_env::RgbFrame;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use thiserror::Error;

/// The environment variable that names the program, instead of `ffmpeg`.
pub const VARIABLE: &str = "SOFTMOE_FFMPEG";

/// An error of a video.
#[derive(Debug, Error)]
pub enum VideoError {
    /// There is no such program.
    #[error(
        "`--mp4` needs the program `{}`, which is not installed. On Debian or Ubuntu: `sudo apt-get install ffmpeg`; on macOS: `brew \
         install ffmpeg`; on Windows: `winget install ffmpeg`. `--gif` needs no other program",
        program.display()
    )]
    NotInstalled {
        /// The program.
        program: OsString,
    },
    /// The program cannot be started.
    #[error("cannot start `{}`", program.display())]
    NotStarted {
        /// The program.
        program: OsString,
        /// The reason.
        source: io::Error,
    },
    /// The program failed.
    #[error("ffmpeg cannot make the video: {reason}")]
    Failed {
        /// The end of its messages.
        reason: String,
    },
}

/// A video that is being made.
#[derive(Debug)]
pub struct Video {
    child: Child,
}

impl Video {
    /// Starts the video at `path`, with pictures of `size` (width, height), both even, and `rate` pictures a second.
    ///
    /// # Errors
    /// If the program is not installed or cannot be started.
    pub fn start(path: &Path, [width, height]: [usize; 2], rate: u32) -> Result<Self, VideoError> {
        let program = std::env::var_os(VARIABLE).unwrap_or_else(|| "ffmpeg".into());
        let mut command = Command::new(&program);
        command.args(["-hide_banner", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]);
        command.args(["-s", &format!("{width}x{height}"), "-r", &rate.to_string(), "-i", "-"]);
        // A format that every player supports. The index is at the front, so that a browser can begin before the whole file is loaded.
        command.args([
            "-an",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-crf",
            "18",
            "-movflags",
            "+faststart",
        ]);
        command.args(["-f", "mp4", "-y"]).arg(path);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        match child {
            Ok(child) => Ok(Video { child }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(VideoError::NotInstalled { program })
            }
            Err(source) => Err(VideoError::NotStarted { program, source }),
        }
    }

    /// Appends a picture.
    ///
    /// # Errors
    /// If the program has failed.
    pub fn push(&mut self, picture: &RgbFrame) -> Result<(), VideoError> {
        let Some(input) = &mut self.child.stdin else { return Ok(()) };
        input.write_all(&picture.pixels).map_err(|error| self.failure(&error.to_string()))
    }

    /// Ends the video.
    ///
    /// # Errors
    /// If the program fails.
    pub fn finish(mut self) -> Result<(), VideoError> {
        drop(self.child.stdin.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(&status.to_string())),
            Err(error) => Err(self.failure(&error.to_string())),
        }
    }

    /// The error of a program that has failed, with its own message if it printed one.
    fn failure(&mut self, otherwise: &str) -> VideoError {
        drop(self.child.stdin.take());
        let mut words = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            let _ = errors.read_to_string(&mut words);
        }
        let _ = self.child.wait();
        let last = words.lines().rev().find(|line| !line.trim().is_empty());
        VideoError::Failed { reason: last.unwrap_or(otherwise).trim().to_owned() }
    }
}

impl Drop for Video {
    /// A video that was not finished ends at once.
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
