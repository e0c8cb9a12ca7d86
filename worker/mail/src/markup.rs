//! The plain form in which texts are written: paragraphs and lists, and nothing that needs escaping.

use serde::Serialize;

/// A paragraph or a list; exactly one of the two is filled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TextBlock {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<String>,
    pub(crate) numbered: bool,
}

/// Empty lines part the blocks. Lines that begin with `- ` or `1. ` are a list; other lines flow into one paragraph.
pub(crate) fn blocks(text: &str) -> Vec<TextBlock> {
    let mut blocks: Vec<TextBlock> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            is_open = false;
            continue;
        }
        let last = if is_open { blocks.last_mut() } else { None };
        match (item(line), last) {
            (Some((numbered, item)), Some(last)) if !last.items.is_empty() && last.numbered == numbered => {
                last.items.push(item.to_owned());
            }
            (Some((numbered, item)), _) => {
                blocks.push(TextBlock { items: vec![item.to_owned()], numbered, ..TextBlock::default() });
            }
            (None, Some(last)) => continue_with(last, line),
            (None, None) => blocks.push(TextBlock { text: line.to_owned(), ..TextBlock::default() }),
        }
        is_open = true;
    }
    blocks
}

fn continue_with(block: &mut TextBlock, line: &str) {
    let text = block.items.last_mut().unwrap_or(&mut block.text);
    text.push(' ');
    text.push_str(line);
}

fn item(line: &str) -> Option<(bool, &str)> {
    if let Some(item) = line.strip_prefix("- ") {
        return Some((false, item));
    }
    let (number, item) = line.split_once(". ")?;
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((true, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_paragraphs_and_lists() {
        let found = blocks("One\nline.\n\n\n1. First\n2. Second\n   goes on\n- other\n\nOn 1.5 GB. More.\n");
        let text = |text: &str| TextBlock { text: text.to_owned(), ..TextBlock::default() };
        let list = |numbered, items: &[&str]| TextBlock {
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            numbered,
            ..TextBlock::default()
        };
        let expected = [
            text("One line."),
            list(true, &["First", "Second goes on"]),
            list(false, &["other"]),
            text("On 1.5 GB. More."),
        ];
        assert_eq!(found, expected);
        assert_eq!(blocks(" \n\n"), []);
    }
}
