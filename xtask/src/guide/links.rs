//! Links in Markdown, and the headings that they lead to.

/// A link to another file or to a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The words that are shown.
    pub text: &'a str,
    /// The place that the link leads to.
    pub target: &'a str,
}

/// All links of a text, in order.
pub fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let (Some((_, shown)), Some((target, behind))) = (before.rsplit_once('['), after.split_once(')')) else {
            rest = after;
            continue;
        };
        links.push(Link { text: shown, target });
        rest = behind;
    }
    links
}

/// The last part of a link to a heading, as GitHub makes it of the heading's words.
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|&letter| letter.is_alphanumeric() || letter == '-' || letter == '_').collect()
}

#[test]
fn links_are_found_with_text_and_target() {
    let text = "see [`resolve`](../a.rs) and [this](b.md#c-d), then (not) [that].";
    let (one, other) = (Link { text: "`resolve`", target: "../a.rs" }, Link { text: "this", target: "b.md#c-d" });
    assert_eq!(links(text), [one, other]);
}

#[test]
fn anchor_is_made_of_the_headings_words() {
    assert_eq!(anchor("Assignment 6: virtual memory"), "assignment-6-virtual-memory");
    assert_eq!(anchor("The kernel's half"), "the-kernels-half");
}
