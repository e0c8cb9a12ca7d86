//! Makes values from outside safe to show: one visible line of text, and links that only lead to the web.

/// One line of visible characters: no control characters, which could end a header, no characters that turn the
/// direction of writing, and no run of spaces.
pub(crate) fn clean(text: &str) -> String {
    let is_hidden = |character: &char| {
        matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}')
    };
    let shown = text.chars().filter(|character| !is_hidden(character));
    let spaced: String = shown.map(|character| if character.is_control() { ' ' } else { character }).collect();
    // A no-break space is there on purpose, between a number and its unit.
    let words = spaced.split(|character: char| character.is_whitespace() && character != '\u{a0}');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The URL, trimmed, if it is one of http or https without white space; a link may lead there.
pub(crate) fn web_address(url: Option<&str>) -> Option<&str> {
    let is_web = |url: &&str| ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme) && *url != *scheme);
    let is_plain = |url: &&str| !url.chars().any(|character| character.is_control() || character.is_whitespace());
    url.map(str::trim).filter(is_web).filter(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_of_visible_characters() {
        let cases = [
            ("Europe 10 GB", "Europe 10 GB"),
            ("a\r\nBcc: x@y.z", "a Bcc: x@y.z"),
            (" a \t b\u{0} ", "a b"),
            ("\u{202e}evil\u{feff}", "evil"),
            ("日本 様", "日本 様"),
            ("80\u{a0}%  used", "80\u{a0}% used"),
        ];
        for (given, expected) in cases {
            assert_eq!(clean(given), expected);
        }
    }

    #[test]
    fn a_link_leads_to_the_web() {
        assert_eq!(web_address(Some(" https://a.example/x?y=1 ")), Some("https://a.example/x?y=1"));
        for url in ["javascript:alert(1)", "https://", "data:text/html,x", "https://a b", "//a.example", ""] {
            assert_eq!(web_address(Some(url)), None, "{url}");
        }
    }
}
