//! Lines for the plain text of a mail: broken before they grow too wide, in scripts with and without spaces.

/// Columns of a line; the classic limit is 78.
const WIDTH: usize = 76;

/// May not begin a line (JIS X 4051, the most frequent of them).
const NOT_FIRST: &str = "、。，．」）』】・：；？！ーっゃゅょッャュョ";
/// May not end a line.
const NOT_LAST: &str = "「（『【";

/// Wraps each line, sets the lines of a list's item under its text, and leaves one empty line where there are more.
pub(super) fn wrap(text: &str) -> String {
    let mut wrapped: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() {
            fold(line, &mut wrapped);
        } else if wrapped.last().is_some_and(|last| !last.is_empty()) {
            wrapped.push(String::new());
        }
    }
    let mut text = wrapped.join("\n").trim().to_owned();
    text.push('\n');
    text
}

fn fold(line: &str, out: &mut Vec<String>) {
    let indent = " ".repeat(hanging(line));
    let (mut current, mut columns) = (String::new(), 0);
    for piece in pieces(line) {
        let width = piece.trim_end().chars().map(columns_of).sum::<usize>();
        if columns + width > WIDTH && columns > indent.len() {
            out.push(current.trim_end().to_owned());
            (current, columns) = (indent.clone(), indent.len());
        }
        current.push_str(piece);
        columns += piece.chars().map(columns_of).sum::<usize>();
    }
    out.push(current.trim_end().to_owned());
}

/// How far the text of a list's item stands in.
fn hanging(line: &str) -> usize {
    let number = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.get(number..) {
        Some(rest) if number == 0 && rest.starts_with("- ") => 2,
        Some(rest) if (1..=2).contains(&number) && rest.starts_with(". ") => number + 2,
        _ => 0,
    }
}

/// The pieces of a line between which it may be broken; a space belongs to the piece before it.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let end = rest
            .char_indices()
            .zip(rest.chars().skip(1))
            .find_map(|((at, this), next)| may_break(this, next).then_some(at + this.len_utf8()));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn may_break(this: char, next: char) -> bool {
    let after_space = this == ' ' && next != ' ';
    let between_wide = (is_wide(this) || is_wide(next)) && this != '\u{a0}' && next != '\u{a0}' && next != ' ';
    after_space || (between_wide && !NOT_FIRST.contains(next) && !NOT_LAST.contains(this))
}

fn columns_of(character: char) -> usize {
    if is_wide(character) { 2 } else { 1 }
}

/// Of the East Asian scripts, near enough (UAX 11): ideographs, kana, Hangul and their full-width punctuation.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
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
        assert!(wrapped.lines().all(|line| line.chars().map(columns_of).sum::<usize>() <= WIDTH + 2));
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
