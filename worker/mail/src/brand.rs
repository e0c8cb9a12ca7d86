//! The shop as its customers see it.

use crate::clean::{clean, web_address};
use crate::colour;

/// The sender of a mail as the reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// `#rrggbb`. Text on it is black or white, whichever has more contrast.
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
    /// The values that are wrong, a sentence each. Rendering leaves them out.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if clean(&self.name).is_empty() {
            problems.push("the brand's name is empty".to_owned());
        }
        if colour::parse(&self.color).is_none() {
            problems.push(format!("the brand's colour is not of the form #rrggbb: {:?}", self.color));
        }
        let urls = [("logo", &self.logo_url), ("support", &self.support_url), ("top-up", &self.top_up_url)];
        for (what, url) in urls {
            if url.is_some() && web_address(url.as_deref()).is_none() {
                problems.push(format!("the brand's {what} URL is not one of http or https: {url:?}"));
            }
        }
        problems
    }
}
