//! Length and CRC-32 of the bytes that are read or written.

use std::io::{self, Read, Write};

/// A reader or writer that counts its bytes and computes their checksum.
pub(crate) struct Checked<T> {
    pub(crate) inner: T,
    pub(crate) len: u64,
    crc: crc32fast::Hasher,
}

impl<T> Checked<T> {
    pub(crate) fn new(inner: T) -> Self {
        Checked { inner, len: 0, crc: crc32fast::Hasher::new() }
    }

    pub(crate) fn crc(&self) -> u32 {
        self.crc.clone().finalize()
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.crc.update(&bytes[..read]);
        self.len += read as u64;
        Ok(read)
    }
}

/// The error of a damaged file.
pub(crate) fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Whether a reader is at its end.
///
/// # Errors
/// If bytes follow, or if the reader fails.
pub(crate) fn expect_end(reader: impl Read) -> io::Result<()> {
    match io::copy(&mut reader.take(1), &mut io::sink())? {
        0 => Ok(()),
        _ => Err(damaged("more bytes follow its end")),
    }
}
