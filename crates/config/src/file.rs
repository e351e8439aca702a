//! Reading and writing the files of an experiment: RON, with errors that say where, and atomic writes.

use crate::ConfigError;
use crate::error::unknown;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Reads a value from the RON file at `path`.
///
/// # Errors
///
/// [`ConfigError::Read`] if the file cannot be read; [`ConfigError::Parse`] with line, column and field if its
/// text is not a `T`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    parse(path, &text)
}

/// Reads a value from `text`; `path` is where the text came from.
///
/// # Errors
///
/// [`ConfigError::Parse`] if the text is not a `T`.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    let last_line = text.trim_end().lines().count();
    let error = |error: ron::error::SpannedError, field: String| ConfigError::Parse {
        path: path.to_owned(),
        line: error.span.start.line,
        column: error.span.start.col,
        field,
        message: (error.span.start.line >= last_line)
            .then(|| unclosed(text))
            .flatten()
            .unwrap_or_else(|| explain(&error.code)),
    };
    let mut deserializer = ron::Deserializer::from_str(text).map_err(|e| error(e, String::new()))?;
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
        // A field whose name was not read yet has the name `?`, and the whole file has `.`.
        let field = e.path().to_string();
        let field = field.strip_suffix('?').unwrap_or(&field).trim_end_matches('.').to_owned();
        error(deserializer.span_error(e.into_inner()), field)
    })?;
    deserializer.end().map_err(|e| error(deserializer.span_error(e), String::new()))?;
    Ok(value)
}

/// Reads a value that was typed by hand: RON, where a variant's empty parentheses may be left out.
pub(crate) fn value<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, ConfigError> {
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let error = match ron::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let error = match is_name.then(|| ron::from_str(&format!("{text}()"))) {
        Some(Ok(value)) => return Ok(value),
        // Only with parentheses is it told what is missing in them.
        Some(Err(inside)) if matches!(error.code, ron::Error::ExpectedStructLike) => inside,
        _ => error,
    };
    let message = unclosed(text).unwrap_or_else(|| explain(&error.code));
    Err(ConfigError::Value { what, given: text.to_owned(), message })
}

/// A message about the bracket that `text` opens last and does not close, if there is one.
fn unclosed(text: &str) -> Option<String> {
    let mut missing = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => missing.push(')'),
            '[' => missing.push(']'),
            '{' => missing.push('}'),
            ')' | ']' | '}' => drop(missing.pop()),
            '"' => {
                while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
                    if letter == '\\' {
                        letters.next();
                    }
                }
            }
            '/' if letters.peek() == Some(&'/') => drop(letters.find(|letter| *letter == '\n')),
            _ => {}
        }
    }
    let last = missing.pop()?;
    Some(format!("a `{last}` is missing at the end"))
}

/// `value` as RON in one line.
pub(crate) fn one_line<T: Serialize>(value: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&ron::to_string(value).map_err(|_| fmt::Error)?)
}

/// A number, a truth, a variant without fields, with one or with named ones, as RON writes it.
pub(crate) fn in_ron(value: &Value) -> String {
    let variant = |(name, inside): (&String, &Value)| match inside {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}: {}", in_ron(value))).collect();
            format!("{name}({})", fields.join(", "))
        }
        value => format!("{name}({value})"),
    };
    match value {
        Value::String(variant) => variant.clone(),
        Value::Object(variants) => variants.iter().map(variant).collect::<Vec<_>>().concat(),
        other => other.to_string(),
    }
}

/// Writes `value` as RON to `path`, atomically: a reader, or a restart after a crash, finds the old file or
/// the new one, never a part.
///
/// # Errors
///
/// [`ConfigError::Write`] if the file cannot be written; the old file is then unchanged.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), ConfigError> {
    let write_error = |source| ConfigError::Write { path: path.to_owned(), source };
    let text = ron::ser::to_string_pretty(value, ron::ser::PrettyConfig::default())
        .map_err(|error| write_error(io::Error::other(error)))?;
    write_atomically(path, format!("{text}\n").as_bytes()).map_err(write_error)
}

/// Writes `value` as RON to `path`, as [`write()`] does, and before it as JSON to the file of the same name that ends in `.json`.
///
/// Other programs read the JSON; this software reads only the RON.
///
/// # Errors
///
/// [`ConfigError::Write`] if a file cannot be written; the old RON is then unchanged.
pub fn write_with_json<T: Serialize>(path: &Path, value: &T) -> Result<(), ConfigError> {
    let json = path.with_extension("json");
    let write_error = |source| ConfigError::Write { path: json.clone(), source };
    let text = serde_json::to_string_pretty(value).map_err(|error| write_error(error.into()))?;
    write_atomically(&json, format!("{text}\n").as_bytes()).map_err(write_error)?;
    write(path, value)
}

/// Prefix of the names of files that [`write_atomically_with`] is writing.
pub const TEMPORARY_PREFIX: &str = ".writing-";

/// Writes `bytes` to `path`, atomically, as [`write_atomically_with`] does.
///
/// # Errors
///
/// The system's; what was at `path` before is then still there.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// Writes to `path`, atomically: into a temporary file in the same directory, which is synced and
/// then renamed.
///
/// # Errors
///
/// The system's error; the previous file at `path` is then unchanged.
pub fn write_atomically_with<T>(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<T> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    // As any other new file: what the umask leaves of reading and writing for all.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(directory)?;
    let written = write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself lasts once its directory is on disk; not every system can sync one.
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
    Ok(written)
}

/// Message of an error of the RON reader, with the allowed values.
fn explain(error: &ron::Error) -> String {
    let of = |outer: &Option<String>| outer.as_ref().map_or(String::new(), |name| format!(" of {name}"));
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => unknown("field", found, expected),
        ron::Error::NoSuchEnumVariant { expected, found, .. } => unknown("value", found, expected),
        ron::Error::MissingStructField { field, outer } => {
            format!("the field `{field}`{} is missing: add `{field}: ..`", of(outer))
        }
        ron::Error::DuplicateStructField { field, outer } => {
            format!("the field `{field}`{} is given twice: remove one", of(outer))
        }
        ron::Error::InvalidValueForType { expected, found } => format!("expected {expected}, found {found}"),
        ron::Error::ExpectedComma => {
            "expected a comma after the value before (or it is of another type)".into()
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            letters.next().map_or(String::new(), |first| first.to_lowercase().collect::<String>())
                + letters.as_str()
        }
    }
}
