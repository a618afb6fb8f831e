//! A conversation with a machine's console: what is awaited, and what is typed then.

/// Steps, each of which waits for a text that the console shows after the one before, and then types something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    steps: Vec<(String, Vec<u8>)>,
    /// How many steps were made.
    made: usize,
    /// How much of the output they have used up.
    used: usize,
}

impl Dialogue {
    /// A dialogue of these steps.
    pub fn new(steps: &[(&str, &[u8])]) -> Self {
        let steps = steps.iter().map(|(awaited, typed)| (awaited.to_string(), typed.to_vec())).collect();
        Self { steps, made: 0, used: 0 }
    }

    /// Makes the steps for which the time has come: `shown` is all of the output so far.
    pub fn answer(&mut self, shown: &[u8], mut type_bytes: impl FnMut(&[u8])) {
        while let Some((awaited, typed)) = self.steps.get(self.made) {
            let rest = &shown[self.used..];
            let Some(at) = rest.windows(awaited.len().max(1)).position(|part| part.starts_with(awaited.as_bytes()))
            else {
                return;
            };
            self.used += at + awaited.len();
            self.made += 1;
            type_bytes(typed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dialogue;

    #[test]
    fn each_step_waits_for_what_follows_the_one_before() {
        let mut dialogue = Dialogue::new(&[("> ", b"one"), ("> ", b"two"), ("end", b"three")]);
        let mut answers = |shown: &[u8]| {
            let mut typed = Vec::new();
            dialogue.answer(shown, |bytes| typed.push(bytes.to_vec()));
            typed
        };
        assert!(answers(b">").is_empty());
        assert_eq!(answers(b"> "), [b"one"]);
        assert!(answers(b"> end").is_empty());
        assert_eq!(answers(b"> end > en"), [b"two"]);
        assert_eq!(answers(b"> end > end"), [b"three".to_vec()]);
        assert!(answers(b"> end > end > ").is_empty());
    }
}
