//! Puts a mail together: the texts of a kind, filled, inside the frames.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::action::ActionKind;

use crate::brand::Brand;
use crate::clean::{clean, web_address};
use crate::colour::Palette;
use crate::compiled::Compiled;
use crate::install::InstallView;
use crate::kinds::{Button, KindLayout};
use crate::markup::{TextBlock, blocks};
use crate::texts::{Language, TemplateError};
use crate::vars::Vars;
use crate::wrap::wrap;

/// The three texts of a mail.
pub(crate) struct RenderedTexts {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Everything that a mail is made of, besides its texts.
pub(crate) struct MailParts<'a> {
    pub(crate) kind: ActionKind,
    pub(crate) layout: &'a KindLayout,
    pub(crate) vars: &'a Vars,
    pub(crate) install: Option<InstallView>,
    /// The filled share of the bar, in %.
    pub(crate) percent: Option<u64>,
    pub(crate) brand: &'a Brand,
}

/// The values that the frames may name. Absent values are left out, so that a frame can ask for them.
#[derive(Serialize)]
struct FrameValues<'a> {
    lang: &'a str,
    subject: &'a str,
    preheader: String,
    heading: String,
    greeting: String,
    blocks: Vec<TextBlock>,
    facts: Vec<FactRow<'a>>,
    support: Vec<Link>,
    brand: BrandView,
    /// The texts under `common`, filled.
    t: BTreeMap<&'a str, String>,
    /// The texts under `install`.
    i: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<Meter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    install: Option<InstallView>,
}

#[derive(Serialize)]
struct FactRow<'a> {
    label: String,
    value: &'a str,
}

#[derive(Serialize)]
struct Meter {
    percent: u64,
    label: String,
}

/// A link to the web or to an e-mail address.
#[derive(Debug, Clone, Serialize)]
struct Link {
    label: String,
    url: String,
    /// The link's target in plain text.
    address: String,
}

#[derive(Serialize)]
struct BrandView {
    name: String,
    #[serde(flatten)]
    palette: Palette,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<String>,
}

/// Fills the texts of the language `tag` and the frames around them.
pub(crate) fn render(templates: &Compiled, tag: &str, parts: MailParts<'_>) -> Result<RenderedTexts, TemplateError> {
    let language = &templates.languages()[tag];
    let text = |name: &str| templates.fill_text(tag, parts.kind.as_str(), name, parts.vars);
    let names = language.common.0.keys();
    let common = names.map(|name| Ok((name.as_str(), clean(&templates.fill_text(tag, "common", name, parts.vars)?))));
    let common = common.collect::<Result<BTreeMap<_, _>, TemplateError>>()?;
    let subject = clean(&text("subject")?);
    let common_text = |name: &str| common.get(name).cloned().unwrap_or_default();
    let support = support_links(parts.brand);
    let button = match parts.layout.button {
        Some(Button::TopUp) => web_address(parts.brand.top_up_url.as_deref()).map(web).map(|link| (link, "top_up")),
        Some(Button::Contact) => support.first().cloned().map(|link| (link, "contact")),
        None => None,
    };
    let values = FrameValues {
        lang: tag,
        subject: &subject,
        preheader: clean(&text("preheader")?),
        heading: clean(&text("heading")?),
        greeting: common_text("greeting"),
        blocks: blocks(&text("body")?),
        facts: facts(parts.layout, parts.vars, language),
        brand: brand_view(parts.brand),
        i: language.install.by_name(),
        meter: parts.percent.map(|percent| Meter { percent, label: common_text("meter") }),
        button: button.map(|(link, label)| Link { label: common_text(label), ..link }),
        install: parts.install,
        support,
        t: common,
    };
    let values = minijinja::Value::from(minijinja::value::Serde(&values));
    let html = templates.fill_frame("layout.html", values.clone())?;
    let text = wrap(&templates.fill_frame("layout.txt", values)?);
    Ok(RenderedTexts { subject, text, html })
}

/// The advice below an eSIM's codes.
pub(crate) fn tips(language: &Language) -> Vec<String> {
    blocks(&language.install.text("tips"))
        .into_iter()
        .flat_map(|block| if block.items.is_empty() { vec![block.text] } else { block.items })
        .collect()
}

fn facts<'a>(layout: &KindLayout, vars: &'a Vars, language: &Language) -> Vec<FactRow<'a>> {
    let fact = |name: &String| {
        let value = vars.get(name.as_str())?.as_str()?;
        Some(FactRow { label: language.labels.text(name), value })
    };
    layout.facts.iter().filter_map(fact).collect()
}

fn support_links(brand: &Brand) -> Vec<Link> {
    let email = brand.support_email.as_deref().map(clean).filter(|email| email.contains('@')).map(|email| Link {
        // `?` and `&` would begin the headers of the new mail.
        url: format!("mailto:{}", email.replace(['?', '&', ' '], "")),
        label: email.clone(),
        address: email,
    });
    email.into_iter().chain(web_address(brand.support_url.as_deref()).map(web)).collect()
}

fn web(url: &str) -> Link {
    let shown = url.trim_start_matches("https://").trim_end_matches('/');
    Link { label: shown.to_owned(), url: url.to_owned(), address: url.to_owned() }
}

fn brand_view(brand: &Brand) -> BrandView {
    BrandView {
        name: clean(&brand.name),
        palette: Palette::of(&brand.color),
        logo_url: web_address(brand.logo_url.as_deref()).map(str::to_owned),
        legal: brand.legal.as_deref().map(clean).filter(|legal| !legal.is_empty()),
    }
}
