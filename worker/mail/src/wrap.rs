//! Wraps the lines of a mail's plain text, in scripts with and without spaces.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_linebreak::linebreaks;
use unicode_width::UnicodeWidthChar as _;

/// Columns of a line; the classic limit is 78.
const WIDTH: usize = 76;

/// Wraps each line, indents the further lines of a list's item to its text, and leaves one of several empty lines.
pub(crate) fn wrap(text: &str) -> String {
    let mut wrapped: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() {
            let indent = " ".repeat(item_indent(line));
            let options = Options::new(WIDTH)
                .subsequent_indent(&indent)
                .break_words(false)
                .word_separator(WordSeparator::Custom(words))
                .word_splitter(WordSplitter::NoHyphenation)
                .wrap_algorithm(WrapAlgorithm::FirstFit);
            wrapped.extend(textwrap::wrap(line, options).into_iter().map(String::from));
        } else if wrapped.last().is_some_and(|last| !last.is_empty()) {
            wrapped.push(String::new());
        }
    }
    let mut text = wrapped.join("\n").trim().to_owned();
    text.push('\n');
    text
}

/// The indent of the further lines of a list's item.
fn item_indent(line: &str) -> usize {
    let number = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.get(number..) {
        Some(rest) if number == 0 && rest.starts_with("- ") => 2,
        Some(rest) if (1..=2).contains(&number) && rest.starts_with(". ") => number + 2,
        _ => 0,
    }
}

/// The parts of a line between which Unicode (UAX 14) allows a break, as far as that is after a space or beside a wide
/// character. Elsewhere, such as after the slashes of a link, a line is not broken.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let ends = linebreaks(line).map(|(end, _)| end).filter(|end| {
        let (before, after) = line.split_at(*end);
        match (before.chars().next_back(), after.chars().next()) {
            (Some(before), Some(after)) => before == ' ' || is_wide(before) || is_wide(after),
            _ => true,
        }
    });
    let mut start = 0;
    Box::new(ends.map(move |end| Word::from(&line[std::mem::replace(&mut start, end)..end])))
}

/// Whether the character takes two columns (UAX 11), as ideographs, kana and Hangul do.
fn is_wide(character: char) -> bool {
    character.width() == Some(2)
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn no_line_is_too_wide_and_no_word_is_lost() {
        let words = "Please install your eSIM while you have a good internet connection. ".repeat(5);
        let wrapped = wrap(&words);
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>(), words.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn a_link_stays_whole() {
        let link = format!("https://example.com/{}", "x".repeat(100));
        assert_eq!(wrap(&link), format!("{link}\n"));
        assert_eq!(wrap(&format!("See {link} now")), format!("See\n{link}\nnow\n"));
    }

    #[test]
    fn japanese_is_broken_between_characters_but_not_before_a_full_stop() {
        let text = "データ残量が少なくなっています。".repeat(6);
        let wrapped = wrap(&text);
        assert!(wrapped.lines().count() > 1);
        assert!(wrapped.lines().all(|line| line.width() <= WIDTH + 2));
        assert!(wrapped.lines().all(|line| !line.starts_with('。') && !line.starts_with('ー')));
        assert_eq!(wrapped.replace('\n', ""), text);
    }

    #[test]
    fn the_lines_of_an_item_stand_under_each_other() {
        let wrapped = wrap(&format!("- {}", "word ".repeat(30)));
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("  word")));
        assert!(wrap(&format!("12. {}", "word ".repeat(30))).contains("\n    word"));
    }

    #[test]
    fn empty_lines_come_one_at_a_time() {
        assert_eq!(wrap("\n\na\n\n\n\nb  \n\n"), "a\n\nb\n");
    }
}
