//! Colours that can be read: which ink goes on the brand's colour, by the contrast of WCAG 2.

use serde::Serialize;

/// The colour of a brand that names none.
pub(crate) const FALLBACK: &str = "#0b5cad";

/// Ink and paper of the layout, light and dark.
const INK: &str = "#1c2126";
const INK_ON_DARK: &str = "#e8ebee";
const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];
const DARK_PAPER: [u8; 3] = [0x1e, 0x22, 0x26];

/// WCAG 2.2, 1.4.3: the least for text of normal size.
const READABLE: f64 = 4.5;

/// `#rrggbb`.
pub(crate) fn parse(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let channel = |from: usize| u8::from_str_radix(digits.get(from..from + 2)?, 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// A brand's colour and what is written on it, and in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Palette {
    pub(crate) color: String,
    pub(crate) on_color: &'static str,
    pub(crate) link: String,
    pub(crate) link_on_dark: String,
}

impl Palette {
    /// A colour that can't be read counts as none.
    pub(crate) fn of(brand_colour: &str) -> Self {
        let (color, rgb) = match parse(brand_colour) {
            Some(rgb) => (brand_colour.to_ascii_lowercase(), rgb),
            None => (FALLBACK.to_owned(), parse(FALLBACK).unwrap_or(BLACK)),
        };
        let or = |paper, otherwise: &str| {
            if contrast(rgb, paper) >= READABLE { color.clone() } else { otherwise.to_owned() }
        };
        Self {
            on_color: if contrast(rgb, WHITE) >= contrast(rgb, BLACK) { "#ffffff" } else { "#000000" },
            link: or(WHITE, INK),
            link_on_dark: or(DARK_PAPER, INK_ON_DARK),
            color,
        }
    }
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(rgb: [u8; 3]) -> f64 {
    let [red, green, blue] = rgb.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_can_be_read_on_every_colour() {
        let cases = [("#0b5cad", "#ffffff"), ("#FFD400", "#000000"), ("#ffffff", "#000000"), ("#000000", "#ffffff")];
        for (colour, expected) in cases {
            assert_eq!(Palette::of(colour).on_color, expected, "{colour}");
        }
        for step in 0..=255_u8 {
            let grey = [step; 3];
            assert!(contrast(grey, WHITE).max(contrast(grey, BLACK)) >= READABLE);
        }
    }

    #[test]
    fn a_link_in_a_pale_colour_is_written_in_ink() {
        let pale = Palette::of("#ffd400");
        assert_eq!((pale.link.as_str(), pale.link_on_dark.as_str()), (INK, "#ffd400"));
        let deep = Palette::of("#0b3d91");
        assert_eq!((deep.link.as_str(), deep.link_on_dark.as_str()), ("#0b3d91", INK_ON_DARK));
    }

    #[test]
    fn a_colour_that_is_none_is_replaced() {
        for colour in ["", "blue", "#12345", "#12345g", "#ääß", "red;}</style><script>"] {
            assert_eq!(Palette::of(colour).color, FALLBACK, "{colour}");
        }
    }
}
