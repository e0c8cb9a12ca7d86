//! What a customer reads: turns an action's payload into a mail in the customer's language. Pure but for reading a
//! shop's own templates once; it knows no clock, no database and no SMTP.
//!
//! 1. [`Templates`] loads the words and frames, ours and the shop's over them, and renders a [`Mail`].
//! 2. `vars` turns a payload into the values that a text may name, written as `format` writes them for a locale.
//! 3. `markup`, `wrap`, `qr` and `colour` make of them what a mail program can show.

mod check;
mod colour;
mod format;
mod frame;
mod install;
mod kinds;
mod markup;
mod qr;
mod sample;
mod templates;
mod texts;
mod vars;
mod wrap;

pub use sample::{MAILED, sample, sample_brand, sample_contact};
pub use templates::{RenderError, TemplateError, Templates};

/// Who a mail is from, as the reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// `#rrggbb`; what is written on it is black or white, whichever reads better.
    pub color: String,
    /// A picture for the head of the mail, shown 32 px high on the colour; `https`.
    pub logo_url: Option<String>,
    pub support_email: Option<String>,
    pub support_url: Option<String>,
    /// Where a customer can top up. With it, the mails about data and expiry offer it.
    pub top_up_url: Option<String>,
    /// A line at the end, such as the company's legal name and address.
    pub legal: Option<String>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: "eSIM".to_owned(),
            color: colour::FALLBACK.to_owned(),
            logo_url: None,
            support_email: None,
            support_url: None,
            top_up_url: None,
            legal: None,
        }
    }
}

impl Brand {
    /// What is wrong with it, a sentence each. Rendering leaves out what is wrong.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if vars::clean(&self.name).is_empty() {
            problems.push("the brand's name is empty".to_owned());
        }
        if colour::parse(&self.color).is_none() {
            problems.push(format!("the brand's colour is not of the form #rrggbb: {:?}", self.color));
        }
        let urls = [("logo", &self.logo_url), ("support", &self.support_url), ("top-up", &self.top_up_url)];
        for (what, url) in urls {
            if url.is_some() && vars::web_address(url.as_deref()).is_none() {
                problems.push(format!("the brand's {what} URL is not one of http or https: {url:?}"));
            }
        }
        problems
    }
}

/// A mail without its envelope. Its `Debug` form shows no content: it may hold an activation code.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line of at most 70 characters.
    pub subject: String,
    /// Complete without the HTML.
    pub text: String,
    pub html: String,
    /// What the HTML refers to as `cid:`.
    pub inline: Vec<Inline>,
    /// The language it is in, for `Content-Language`.
    pub locale: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// A picture inside a mail. Its `Debug` form does not show it: it may be an activation code.
#[derive(Clone, PartialEq, Eq)]
pub struct Inline {
    /// As in `cid:`, without the angle brackets of the header.
    pub content_id: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Inline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inline").field("content_id", &self.content_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
