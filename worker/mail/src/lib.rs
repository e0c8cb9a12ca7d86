//! Mails to customers: writes an action's payload as a mail in the customer's language. It does no I/O: the program hands
//! over the shop's template files as texts and sends what comes out.
//!
//! In reading order:
//!
//! 1. [`Templates`] (`templates`) checks the built-in files (`built_in`) and the shop's over them, and renders a [`Mail`]
//!    (`rendered`).
//! 2. `texts` reads a language's texts and `kinds` what each kind of mail shows; `compiled` holds them ready for use.
//! 3. `vars` turns a payload, a contact and a [`Brand`] (`brand`) into the values that a text may name, written as
//!    `format` writes them for a locale; `clean` makes them safe to show.
//! 4. `frame` puts the filled texts of a kind into the frames, with `install` for the codes of an eSIM, `markup` for
//!    paragraphs and lists, `wrap` for lines, `colour` for the brand's colours and `qr` for the picture of a code.
//! 5. `check` renders every mail once at start, with the payloads of `sample`, which previews use, too.

mod brand;
mod built_in;
mod check;
mod clean;
mod colour;
mod compiled;
mod format;
mod frame;
mod install;
mod kinds;
mod markup;
mod qr;
mod rendered;
mod sample;
mod templates;
#[cfg(test)]
mod tests;
mod texts;
mod vars;
mod wrap;

pub use brand::Brand;
pub use qr::QrError;
pub use rendered::{InlinePicture, Mail};
pub use sample::{sample, sample_brand, sample_contact};
pub use templates::{RenderError, Templates, is_template};
pub use texts::{TemplateError, TemplateFile};
