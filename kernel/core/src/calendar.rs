//! What the real-time clock says (Motorola MC146818, "Time, calendar, and alarm locations"), as seconds since 1970.

/// The clock's registers, as they were read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRegisters {
    /// 0..60
    pub second: u8,
    /// 0..60
    pub minute: u8,
    /// 0..24, or 1..=12 with [`AFTERNOON`](Self::AFTERNOON).
    pub hour: u8,
    /// 1..=31
    pub day: u8,
    /// 1..=12
    pub month: u8,
    /// The year's last two digits.
    pub year: u8,
    /// Register B, which says how the others are written.
    pub format: u8,
}

impl ClockRegisters {
    /// A bit of the hour, if hours count to 12.
    pub const AFTERNOON: u8 = 1 << 7;
    /// A bit of register B (MC146818, "Register B", DM): numbers are binary, not two decimal digits.
    pub const IS_BINARY: u8 = 1 << 2;
    /// A bit of register B ("24/12"): hours count to 24.
    pub const HAS_24_HOURS: u8 = 1 << 1;

    /// The seconds between the beginning of 1970 and the moment that the registers tell, which is in this century. `None` if there is no
    /// such moment: the machine has no clock, or nobody has set it.
    pub fn unix_seconds(&self) -> Option<u64> {
        let [second, minute, day, month, year] =
            [self.second, self.minute, self.day, self.month, self.year].map(|value| self.number(value));
        let (second, minute, hour) = (second?, minute?, self.hour_of_day()?);
        let days = days_since_1970(2000 + year?, month?, day?)?;
        let is_time = second < 60 && minute < 60 && hour < 24;
        is_time.then(|| days * 86_400 + u64::from(hour * 3600 + minute * 60 + second))
    }

    fn hour_of_day(&self) -> Option<u32> {
        if self.format & Self::HAS_24_HOURS != 0 {
            return self.number(self.hour);
        }
        let hour = self.number(self.hour & !Self::AFTERNOON).filter(|hour| (1..=12).contains(hour))? % 12;
        Some(if self.hour & Self::AFTERNOON != 0 { hour + 12 } else { hour })
    }

    fn number(&self, value: u8) -> Option<u32> {
        let (tens, ones) = (value >> 4, value & 15);
        match self.format & Self::IS_BINARY {
            0 if tens < 10 && ones < 10 => Some(u32::from(tens) * 10 + u32::from(ones)),
            0 => None,
            _ => Some(value.into()),
        }
    }
}

/// The days of the months of a year.
const fn month_days(year: u32) -> [u32; 12] {
    let february =
        if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Months and days count from 1.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<u64> {
    let months = month_days(year);
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    if day == 0 || day > *months.get(before)? {
        return None;
    }
    let of_years: u32 = (1970..year).map(|year| month_days(year).iter().sum::<u32>()).sum();
    Some(u64::from(of_years + months[..before].iter().sum::<u32>() + day - 1))
}

#[cfg(test)]
mod tests {
    use super::ClockRegisters;
    use proptest::prelude::{any, prop_assert, proptest};

    const NEW_YEARS_EVE: ClockRegisters = ClockRegisters {
        second: 0x59,
        minute: 0x59,
        hour: 0x23,
        day: 0x31,
        month: 0x12,
        year: 0x25,
        format: ClockRegisters::HAS_24_HOURS,
    };

    #[test]
    fn moments_are_counted_from_1970() {
        // By `date -u -d '2025-12-31 23:59:59' +%s`.
        assert_eq!(NEW_YEARS_EVE.unix_seconds(), Some(1_767_225_599));
        let leap_day = ClockRegisters { day: 0x29, month: 2, year: 0x24, ..NEW_YEARS_EVE };
        assert_eq!(leap_day.unix_seconds(), Some(1_709_251_199));
        assert_eq!(ClockRegisters { year: 0x25, ..leap_day }.unix_seconds(), None);
    }

    #[test]
    fn all_ways_of_writing_mean_the_same() {
        let afternoon = ClockRegisters { hour: 0x11 | ClockRegisters::AFTERNOON, format: 0, ..NEW_YEARS_EVE };
        assert_eq!(afternoon.unix_seconds(), NEW_YEARS_EVE.unix_seconds());
        let binary = ClockRegisters {
            second: 59,
            minute: 59,
            hour: 23,
            day: 31,
            month: 12,
            year: 25,
            format: ClockRegisters::IS_BINARY | ClockRegisters::HAS_24_HOURS,
        };
        assert_eq!(binary.unix_seconds(), NEW_YEARS_EVE.unix_seconds());
        let midnight = ClockRegisters { hour: 0x12, format: 0, ..NEW_YEARS_EVE };
        assert_eq!(midnight.unix_seconds(), NEW_YEARS_EVE.unix_seconds().map(|seconds| seconds - 23 * 3600));
    }

    #[test]
    fn a_clock_that_is_not_there_tells_nothing() {
        let nothing =
            ClockRegisters { second: 255, minute: 255, hour: 255, day: 255, month: 255, year: 255, format: 255 };
        assert_eq!(nothing.unix_seconds(), None);
    }

    proptest! {
        #[test]
        fn no_registers_are_too_odd(registers in any::<[u8; 7]>()) {
            let [second, minute, hour, day, month, year, format] = registers;
            let moment = ClockRegisters { second, minute, hour, day, month, year, format }.unix_seconds();
            prop_assert!(moment.is_none_or(|seconds| (946_684_800..9_000_000_000).contains(&seconds)));
        }
    }
}
