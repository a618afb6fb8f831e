//! What kernel and programs ask the CPU alike.

/// The CPU has `sysenter` and `sysexit`, by registers `eax` and `edx` of CPUID's leaf 1 (Intel SDM 2B, "SYSENTER"). The first Pentium Pros say
/// so without having them.
pub const fn has_fast_calls(eax: u32, edx: u32) -> bool {
    const SEP: u32 = 1 << 11;
    let (family, model, stepping) = (eax >> 8 & 15, eax >> 4 & 15, eax & 15);
    edx & SEP != 0 && !(family == 6 && model < 3 && stepping < 3)
}

#[cfg(test)]
mod tests {
    use super::has_fast_calls;

    #[test]
    fn the_first_pentium_pros_are_not_believed() {
        assert!(has_fast_calls(0x633, 1 << 11));
        assert!(!has_fast_calls(0x611, 1 << 11));
        assert!(!has_fast_calls(0x633, 0));
    }
}
