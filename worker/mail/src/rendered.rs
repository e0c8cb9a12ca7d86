//! A mail as it is handed to the mail program: subject, text, HTML and pictures, but no addresses.

use std::fmt;

/// A mail without its envelope. Its `Debug` form shows no content, because that may hold an activation code.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line of at most 70 characters.
    pub subject: String,
    /// Complete without the HTML.
    pub text: String,
    pub html: String,
    /// The pictures that the HTML refers to as `cid:`.
    pub inline: Vec<InlinePicture>,
    /// The language of the texts, for `Content-Language`.
    pub locale: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("locale", &self.locale).finish_non_exhaustive()
    }
}

/// A picture inside a mail. Its `Debug` form does not show it, because it may be an activation code.
#[derive(Clone, PartialEq, Eq)]
pub struct InlinePicture {
    /// As in `cid:`, without the angle brackets of the header.
    pub content_id: String,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for InlinePicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlinePicture").field("content_id", &self.content_id).finish_non_exhaustive()
    }
}
