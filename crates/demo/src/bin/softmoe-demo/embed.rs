//! Bytes in a page: compressed, as base64.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// The largest number of bytes that are read from a page.
const MOST: u64 = 1 << 30;

/// `bytes`, compressed with gzip, in base64.
pub(crate) fn to_text(bytes: &[u8]) -> Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// The bytes in the element `id` of a page.
pub(crate) fn of_page(page: &str, id: &str) -> Result<Vec<u8>> {
    let opening = format!("id=\"{id}\">");
    let inside = page.split_once(&opening).and_then(|(_, after)| after.split_once("</script>"));
    let Some((text, _)) = inside else {
        bail!("it has no element `{id}`");
    };
    let compressed = STANDARD.decode(text.trim()).with_context(|| format!("`{id}` is damaged"))?;
    let mut bytes = Vec::new();
    let mut decoder = GzDecoder::new(&compressed[..]).take(MOST);
    decoder.read_to_end(&mut bytes).with_context(|| format!("`{id}` is damaged"))?;
    Ok(bytes)
}
