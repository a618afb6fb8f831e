//! What is done every so many faults.

/// Says when a period is over.
#[derive(Default)]
pub struct Period {
    began: u64,
}

impl Period {
    /// `length` faults have passed: the next period begins now. However many went by unasked, it is one that ended.
    #[inline]
    pub fn is_over(&mut self, now: u64, length: u32) -> bool {
        let is_over = now.saturating_sub(self.began) >= u64::from(length.max(1));
        if is_over {
            self.began = now;
        }
        is_over
    }
}
