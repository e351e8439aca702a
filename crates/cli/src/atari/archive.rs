//! The source archive: its checksum, its unpacking, and the checksums of the unpacked files.

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use softmoe_atari::{ARCHIVE_SHA256, Files};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use tar::EntryType;

/// SHA-256 over the SHA-256 sums of the ROMs, in the order of their names.
const ROMS_SHA256: &str = "2af955d5aa1f03516dc41132184bcb69b752e78beac35200519c6ff201a5f149";
/// SHA-256 over the SHA-256 sums of the sources, in the order of their paths.
const SOURCES_SHA256: &str = "aa37f7763e39370414dff2f5ddefee1f38a7e264d3b929e39f3aafffdf2349bc";
/// Directories below `src/ale` that the emulator does not need.
const LEFT_OUT: [&str; 3] = ["python", "vector", "wasm"];
/// Maximum size of an unpacked file in bytes. The largest has 0.4 MB.
const LARGEST: u64 = 8 << 20;

/// Checks that `archive` has the pinned SHA-256.
pub(super) fn verify(archive: &Path) -> Result<()> {
    let read = || format!("cannot read {}", archive.display());
    let mut file = File::open(archive).with_context(read)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).with_context(read)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    let sum = hex(&hasher.finalize());
    if sum != ARCHIVE_SHA256 {
        bail!(
            "{} is damaged or another file: its SHA-256 is {sum}, and should be {ARCHIVE_SHA256}. Nothing was changed",
            archive.display()
        );
    }
    Ok(())
}

/// Unpacks sources, ROMs and licence into `to`.
pub(super) fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let failed = || format!("cannot unpack {}", archive.display());
    let file = File::open(archive).with_context(failed)?;
    let mut entries = tar::Archive::new(GzDecoder::new(io::BufReader::new(file)));
    for entry in entries.entries().with_context(failed)? {
        let mut entry = entry.with_context(failed)?;
        let path = entry.path().with_context(failed)?.into_owned();
        let Some(place) = place(&path)? else { continue };
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory => continue,
            other => {
                bail!("{} has {} of type {other:?}, which is no file", archive.display(), path.display())
            }
        }
        if entry.size() > LARGEST {
            bail!(
                "{} has {} of {} bytes, which is too large",
                archive.display(),
                path.display(),
                entry.size()
            );
        }
        let target = to.join(place);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        let written = || format!("cannot write {}", target.display());
        let mut file = File::create_new(&target).with_context(written)?;
        io::copy(&mut entry, &mut file).with_context(written)?;
        file.sync_all().with_context(written)?;
    }
    Ok(())
}

/// Destination of a file of the archive; `None` if the file is not needed.
fn place(path: &Path) -> Result<Option<PathBuf>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            _ => bail!("the archive has a file outside of its directory: {}", path.display()),
        }
    }
    let Some((_package, inside)) = names.split_first() else { return Ok(None) };
    let texts: Vec<&str> = inside.iter().filter_map(|name| name.to_str()).collect();
    Ok(match texts.as_slice() {
        _ if texts.len() != inside.len() => None,
        ["LICENSE.md"] => Some("LICENSE.md".into()),
        ["src", "ale", "python", "roms", rom] if rom.ends_with(".bin") => Some(Path::new("roms").join(rom)),
        ["src", "ale", part, _, ..] if LEFT_OUT.contains(part) => None,
        ["src", "ale", ..] => Some(inside.iter().collect()),
        _ => None,
    })
}

/// Checks that sources and ROMs in `directory` are complete and unchanged. The error names the damaged part.
pub(super) fn check(directory: &Path) -> Result<(), String> {
    let files = Files::at(directory);
    for (what, root, expected) in
        [("ROMs", files.roms(), ROMS_SHA256), ("sources", files.source(), SOURCES_SHA256)]
    {
        let sum = sum_of(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        if sum != expected {
            return Err(format!("the {what} in {} have the sum {sum}", root.display()));
        }
    }
    Ok(())
}

/// SHA-256 over the SHA-256 sums of all files below `root`, in the order of their paths.
fn sum_of(root: &Path) -> io::Result<String> {
    let mut paths = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir()? {
            let path = entry?.path();
            if path.is_dir() { directories.push(path) } else { paths.push(path) }
        }
    }
    // Sorts by bytes: the order of paths depends on the system.
    let key = |path: &PathBuf| -> Vec<u8> {
        let inside = path.strip_prefix(root).unwrap_or(path);
        let names: Vec<&[u8]> = inside.iter().map(OsStr::as_encoded_bytes).collect();
        names.join(&b'/')
    };
    paths.sort_by_cached_key(key);
    let mut hasher = Sha256::new();
    for path in paths {
        hasher.update(Sha256::digest(fs::read(path)?));
    }
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    /// Creates an archive of these files.
    fn archive(files: &[(&str, EntryType)]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut builder = Builder::new(GzEncoder::new(file.reopen().unwrap(), Compression::fast()));
        for (name, kind) in files {
            let mut header = Header::new_gnu();
            // `set_path` rejects the paths of a hostile archive.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(3);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, &b"abc"[..]).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn only_what_is_needed_is_unpacked() {
        let names = [
            "ale/LICENSE.md",
            "ale/docs/x.md",
            "ale/src/ale/python/roms/pong.bin",
            "ale/src/ale/python/env.py",
            "ale/src/ale/common/Log.cpp",
            "ale/src/ale/ale_interface.cpp",
        ];
        let archive = archive(&names.map(|name| (name, EntryType::Regular)));
        let directory = tempfile::tempdir().unwrap();
        unpack(archive.path(), directory.path()).unwrap();
        let there = |path: &str| directory.path().join(path).is_file();
        assert!(there("LICENSE.md") && there("roms/pong.bin"));
        assert!(there("src/ale/common/Log.cpp") && there("src/ale/ale_interface.cpp"));
        assert!(!there("src/ale/python/env.py") && !there("docs/x.md"));
        assert!(check(directory.path()).unwrap_err().contains("the ROMs in"));
    }

    #[test]
    fn paths_that_leave_the_directory_and_links_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("inside");
        for name in ["ale/src/ale/../../../../evil", "/tmp/evil", "../evil"] {
            let archive = archive(&[(name, EntryType::Regular)]);
            let error = unpack(archive.path(), &inside).unwrap_err().to_string();
            assert!(error.contains("outside of its directory"), "{name}: {error}");
        }
        let archive = archive(&[("ale/src/ale/link.cpp", EntryType::Symlink)]);
        assert!(unpack(archive.path(), &inside).unwrap_err().to_string().contains("no file"));
        assert!(!directory.path().join("evil").exists());
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let archive = archive(&[("ale/src/ale/common/Log.cpp", EntryType::Regular)]);
        let bytes = fs::read(archive.path()).unwrap();
        fs::write(archive.path(), &bytes[..bytes.len() / 2]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        assert!(unpack(archive.path(), directory.path()).is_err());
        assert!(verify(archive.path()).unwrap_err().to_string().contains("is damaged or another file"));
    }
}
