//! Films and contact sheets in files.

use crate::session::Session;
use anyhow::{Context, Result, bail};
use softmoe::film::gif::Film;
use softmoe::film::video::Video;
use softmoe::film::{Scene, SceneSettings, Sheet};
use softmoe_config::RunDirectory;
use softmoe_config::protocol::INTERRUPTED;
use softmoe_console::output;
use softmoe_console::play::PlayOptions;
use softmoe_console::signals;
use softmoe_env::RgbFrame;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tempfile::NamedTempFile;

/// Default numbers of steps of a GIF, and of other films.
const GIF_STEPS: u64 = 300;
const STEPS: u64 = 10_000;
/// Frames of a contact sheet.
const FRAMES: usize = 6;

/// The files to write.
pub(crate) struct Files {
    gif: Option<PathBuf>,
    mp4: Option<PathBuf>,
    png: Option<PathBuf>,
}

impl Files {
    /// Checks the files' names, before anything is computed.
    pub(crate) fn check(options: &PlayOptions, directory: &RunDirectory) -> Result<Self> {
        let run = directory.path().canonicalize().context("cannot find the run's directory")?;
        let checked = |path: &Option<PathBuf>, extension: &str| -> Result<Option<PathBuf>> {
            let Some(path) = path else { return Ok(None) };
            let option = format!("--{extension} {}", path.display());
            if !path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension)) {
                bail!("`{option}`: the file's name must end in .{extension}");
            }
            let parent = parent(path);
            let parent = parent.canonicalize().with_context(|| {
                format!("`{option}`: there is no directory {}; make it first", parent.display())
            })?;
            // Beside the run's own files, none of which is a picture, the report finds a film. Its checkpoints are no place for one.
            if parent.starts_with(&run) && parent != run {
                bail!(
                    "`{option}` is among the run's own files: choose the run's directory itself, or another place"
                );
            }
            if path.is_dir() {
                bail!("`{option}` is a directory: name a file");
            }
            Ok(Some(path.clone()))
        };
        let PlayOptions { gif, mp4, png, .. } = options;
        Ok(Files { gif: checked(gif, "gif")?, mp4: checked(mp4, "mp4")?, png: checked(png, "png")? })
    }
}

/// Plays the session into the files.
pub(crate) fn write(mut session: Session, files: &Files, options: &PlayOptions) -> Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&stop);
    signals::listen(move |_| heard.store(true, SeqCst)).context("cannot listen for signals")?;
    let usual = if files.gif.is_some() { GIF_STEPS } else { STEPS };
    let (most_steps, episodes) = (options.steps.unwrap_or(usual), options.episodes.unwrap_or(1));

    let mut shot = session.shot(None);
    let settings = SceneSettings {
        title: session.title.clone(),
        scale: session.scale,
        shows_network: !options.no_overlay,
    };
    let mut scene =
        Scene::new(&shot, settings).map_err(anyhow::Error::msg).context("choose a smaller `--scale`")?;
    let rate = session.rate;
    let mut film = files.gif.as_ref().map(|_| Film::new());
    let mut sheet =
        files.png.as_ref().map(|_| Sheet::new(options.frames.map_or(FRAMES, |frames| frames as usize)));
    let mut video = match &files.mp4 {
        Some(path) => Some(started(path, scene.size(), rate)?),
        None => None,
    };
    let mut returns = Vec::new();
    let mut steps = 0;
    loop {
        let picture = scene.draw(&shot);
        film.iter_mut().for_each(|film| film.push(&picture));
        sheet.iter_mut().for_each(|sheet| sheet.push(&picture));
        if let Some((video, _)) = &mut video {
            video.push(&picture)?;
        }
        steps += 1;
        returns.extend(session.step(&shot));
        if steps >= most_steps || returns.len() as u64 >= episodes {
            break;
        }
        if stop.load(SeqCst) {
            output::error_line(format_args!("stopped at step {steps}; no file was written"));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        shot = session.shot(None);
    }

    if let (Some(path), Some(film)) = (&files.gif, &film) {
        in_place(path, |file| Ok(film.write(BufWriter::new(file), rate)?))?;
    }
    if let (Some(path), Some(picture)) = (&files.png, sheet.and_then(|sheet| sheet.picture())) {
        in_place(path, |file| encode(file, &picture))?;
    }
    if let (Some(path), Some((video, file))) = (&files.mp4, video) {
        video.finish()?;
        put(file, path)?;
    }
    let ended = match &returns[..] {
        [] => "the episode has not ended".to_owned(),
        returns => {
            let returns: Vec<String> = returns.iter().map(f64::to_string).collect();
            format!("return {}", returns.join(", "))
        }
    };
    output::line(format_args!("{}: {steps} steps, {ended}", session.title));
    for path in [&files.gif, &files.mp4, &files.png].into_iter().flatten() {
        let bytes = path.metadata().map_or(0, |metadata| metadata.len());
        output::line(format_args!("{}, {:.0} kB", path.display(), (bytes as f64 / 1e3).max(1.0)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The video for the file at `path`, and the temporary file in which it is made.
fn started(path: &Path, size: [usize; 2], rate: u32) -> Result<(Video, NamedTempFile)> {
    let file = beside(path)?;
    Ok((Video::start(file.path(), size, rate)?, file))
}

/// Writes the file at `path`, as a whole or not at all.
fn in_place(path: &Path, write: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let mut file = beside(path)?;
    write(file.as_file_mut()).with_context(|| format!("cannot write {}", path.display()))?;
    put(file, path)
}

fn beside(path: &Path) -> Result<NamedTempFile> {
    let parent = parent(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    // An ordinary file's, from which the system takes what the user's mask forbids.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(parent).with_context(|| format!("cannot write in {}", parent.display()))
}

fn put(file: NamedTempFile, path: &Path) -> Result<()> {
    file.persist(path).map(drop).with_context(|| format!("cannot write {}", path.display()))
}

/// The directory of a file.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn encode(file: &mut File, picture: &RgbFrame) -> Result<()> {
    let [width, height] = [picture.width, picture.height].map(u32::try_from);
    let mut buffered = BufWriter::new(file);
    let mut encoder = png::Encoder::new(&mut buffered, width?, height?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(&picture.pixels)?;
    Ok(buffered.flush()?)
}
