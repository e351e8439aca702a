//! Compressed frames: each frame is an LZ4 block of its own, so that it can be read without its neighbours.
//!
//! Rows arrive and leave in order. They lie in chunks, which are allocated as rows are pushed and freed whole, so that
//! blocks of all lengths leave no gaps.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use std::collections::VecDeque;

/// Rows of a chunk. At most one chunk is not full, and at most one has rows that have left the ring.
const ROWS: u64 = 1_024;

/// The frames of consecutive rows.
#[derive(Default)]
struct Chunk {
    /// The end of each row's block.
    ends: Vec<usize>,
    /// The blocks. A frame that does not become shorter is stored uncompressed.
    blocks: Vec<u8>,
}

/// The frames of the rows that a ring keeps.
pub(crate) struct Compressed {
    frame_len: usize,
    /// Number of the first row of the first chunk.
    first: u64,
    chunks: VecDeque<Chunk>,
    table: CompressTable,
    /// Buffer for a compressed frame.
    block: Vec<u8>,
}

impl Compressed {
    /// An empty store whose first frame will belong to row `first`.
    pub(crate) fn new(frame_len: usize, first: u64) -> Self {
        Self {
            frame_len,
            first,
            chunks: VecDeque::new(),
            table: CompressTable::default(),
            block: vec![0; get_maximum_output_size(frame_len)],
        }
    }

    /// Adds the next row's frame, and frees the chunks whose rows are all before row `oldest`.
    pub(crate) fn push(&mut self, frame: &[u8], oldest: u64) {
        while self.chunks.len() > 1 && self.first + ROWS <= oldest {
            self.chunks.pop_front();
            self.first += ROWS;
        }
        if self.chunks.back().is_none_or(|chunk| chunk.ends.len() as u64 == ROWS) {
            // The next chunk will be about as long as this full one.
            let len = self.chunks.back_mut().map_or(0, |full| {
                full.blocks.shrink_to_fit();
                full.blocks.len()
            });
            let ends = Vec::with_capacity(ROWS as usize);
            self.chunks.push_back(Chunk { ends, blocks: Vec::with_capacity(len) });
        }
        let compressed = compress_into_with_table(frame, &mut self.block, &mut self.table);
        let block = match compressed {
            Ok(len) if len < self.frame_len => &self.block[..len],
            _ => frame,
        };
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.blocks.extend_from_slice(block);
            chunk.ends.push(chunk.blocks.len());
        }
    }

    /// Writes the frame of a kept row.
    ///
    /// # Shapes
    ///
    /// `frame`: `[frame_len]`.
    pub(crate) fn copy(&self, number: u64, frame: &mut [u8]) {
        let chunk = &self.chunks[((number - self.first) / ROWS) as usize];
        let place = ((number - self.first) % ROWS) as usize;
        let start = if place == 0 { 0 } else { chunk.ends[place - 1] };
        let block = &chunk.blocks[start..chunk.ends[place]];
        if block.len() == self.frame_len {
            frame.copy_from_slice(block);
        } else {
            let len = decompress_into(block, frame).expect("the block was made by `push`");
            debug_assert_eq!(len, self.frame_len);
        }
    }

    /// Bytes of the blocks.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.blocks.len() as u64).sum()
    }
}
