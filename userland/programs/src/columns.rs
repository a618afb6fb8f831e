//! Lists that fit on the screen: several columns beside each other.

use alloc::string::String;

/// Letters in a row of the machine's own screen, less one: a full row would begin the next.
const ROW_LEN: usize = 79;
/// Spaces between two columns.
const GAP: usize = 2;

/// Lays texts out in columns of equal width, as many as fit beside each other. The order runs down each column.
pub fn columns(texts: &[String]) -> String {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let column_count = ((ROW_LEN + GAP) / (width + GAP)).max(1);
    let row_count = texts.len().div_ceil(column_count);
    let mut laid_out = String::new();
    for row in 0..row_count {
        for (place, text) in texts.iter().skip(row).step_by(row_count).enumerate() {
            if place > 0 {
                laid_out.extend(core::iter::repeat_n(' ', GAP));
            }
            laid_out.push_str(text);
            let is_last = row + (place + 1) * row_count >= texts.len();
            let padding = if is_last { 0 } else { width - text.chars().count() };
            laid_out.extend(core::iter::repeat_n(' ', padding));
        }
        laid_out.push('\n');
    }
    laid_out
}
