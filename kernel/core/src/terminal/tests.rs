use super::{COLUMNS, Cell, Colors, ROWS, Screen, Terminal};
use proptest::prelude::{any, prop_assert, proptest};

/// A screen that can be read.
struct Glass {
    cells: Vec<Vec<Cell>>,
    cursor: (usize, usize),
}

impl Glass {
    fn new() -> Self {
        let blank = Cell { glyph: b' ', colors: Colors::NORMAL };
        Self { cells: vec![vec![blank; COLUMNS]; ROWS], cursor: (0, 0) }
    }

    fn row(&self, row: usize) -> String {
        let text: String = self.cells[row].iter().map(|cell| char::from(cell.glyph)).collect();
        text.trim_end().to_owned()
    }
}

impl Screen for Glass {
    fn set(&mut self, row: usize, column: usize, cell: Cell) {
        self.cells[row][column] = cell;
    }

    fn scroll(&mut self, blank: Cell) {
        self.cells.remove(0);
        self.cells.push(vec![blank; COLUMNS]);
    }

    fn set_cursor(&mut self, row: usize, column: usize) {
        assert!(row < ROWS && column < COLUMNS);
        self.cursor = (row, column);
    }
}

fn show(text: &str) -> Glass {
    let mut glass = Glass::new();
    Terminal::new().write(&mut glass, text.as_bytes());
    glass
}

#[test]
fn a_line_feed_starts_a_new_row_at_its_left_end() {
    let glass = show("one\ntwo\r\nthree");
    assert_eq!((glass.row(0), glass.row(1), glass.row(2)), ("one".into(), "two".into(), "three".into()));
    assert_eq!(glass.cursor, (2, 5));
}

#[test]
fn a_row_that_is_just_full_does_not_scroll_yet() {
    let glass = show(&"x".repeat(COLUMNS));
    assert_eq!(glass.cursor, (0, COLUMNS - 1));
    let glass = show(&format!("{}\ny", "x".repeat(COLUMNS)));
    assert_eq!(glass.row(1), "y");
    let glass = show(&"x".repeat(COLUMNS + 1));
    assert_eq!((glass.row(1), glass.cursor), ("x".into(), (1, 1)));
}

#[test]
fn the_last_row_scrolls() {
    let text: String = (0..30).map(|number| format!("{number}\n")).collect();
    let glass = show(&text);
    assert_eq!((glass.row(0), glass.row(ROWS - 2), glass.row(ROWS - 1)), ("6".into(), "29".into(), String::new()));
}

#[test]
fn backspace_blank_backspace_erases_and_tabs_go_to_columns_of_eight() {
    let glass = show("abc\x08 \x08\td");
    assert_eq!(glass.row(0), "ab      d");
}

#[test]
fn colours_are_those_of_ecma_48_in_the_order_of_vga() {
    let glass = show("\x1b[31ma\x1b[1;44mb\x1b[0mc\x1b[md");
    let colors: Vec<_> = glass.cells[0][..4].iter().map(|cell| cell.colors).collect();
    assert_eq!(colors, [Colors::new(4, 0), Colors::new(12, 1), Colors::NORMAL, Colors::NORMAL]);
    assert_eq!(glass.cells[0][1].raw(), 0x1C62);
}

#[test]
fn the_screen_can_be_cleared_and_the_cursor_placed() {
    let glass = show("garbage\ngarbage\x1b[2J\x1b[3;5Hhere\x1b[2D\x1b[K");
    assert_eq!((glass.row(0), glass.row(1), glass.row(2)), (String::new(), String::new(), "    he".into()));
}

#[test]
fn sequences_without_a_meaning_here_leave_no_trace() {
    assert_eq!(show("a\x1b[?25lb\x1b(Bc\x1b[38;5;1;2;3;4;5;6;7;8;9xd\x1b7e").row(0), "abcde");
}

#[test]
fn kernel_colours_do_not_change_the_programs() {
    let (mut glass, mut terminal) = (Glass::new(), Terminal::new());
    terminal.write_colored(&mut glass, Colors::KERNEL, b"k");
    terminal.write(&mut glass, b"p");
    assert_eq!((glass.cells[0][0].colors, glass.cells[0][1].colors), (Colors::KERNEL, Colors::NORMAL));
}

proptest! {
    #[test]
    fn no_bytes_lead_outside_the_screen(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut glass = Glass::new();
        Terminal::new().write(&mut glass, &bytes);
        prop_assert!(glass.cursor.0 < ROWS && glass.cursor.1 < COLUMNS);
    }

    #[test]
    fn no_sequence_leads_outside_the_screen(moves in proptest::collection::vec((0u16.., 0u16.., b'@'..=b'~'), 0..200)) {
        let (mut glass, mut terminal) = (Glass::new(), Terminal::new());
        for (first, second, last) in moves {
            terminal.write(&mut glass, format!("\x1b[{first};{second}{}x\n", char::from(last)).as_bytes());
        }
    }
}
