//! Bytes that wait for a reader.

/// A first-in, first-out buffer of at most `N` bytes.
pub(super) struct Ring<const N: usize> {
    bytes: [u8; N],
    first: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], first: 0, len: 0 }
    }

    /// How many more bytes fit.
    pub(super) const fn room(&self) -> usize {
        N - self.len
    }

    /// The caller has checked that there is [`room`](Self::room).
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[(self.first + self.len) % N] = byte;
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<u8> {
        let byte = (self.len > 0).then(|| self.bytes[self.first])?;
        self.first = (self.first + 1) % N;
        self.len -= 1;
        Some(byte)
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        (0..self.len).any(|place| self.bytes[(self.first + place) % N] == byte)
    }

    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}
