//! Puts a mail together: the texts of a kind, filled, inside the frames.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Brand;
use super::colour::Palette;
use super::install::Install;
use super::kinds::{Button, Shape};
use super::markup::{Block, blocks};
use super::templates::{TemplateError, Templates};
use super::texts::Language;
use super::vars::{Vars, clean, web_address};
use super::wrap::wrap;

/// A mail's three texts.
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// What a mail is made of, besides its words.
pub(super) struct Parts<'a> {
    pub(super) kind: &'a str,
    pub(super) shape: &'a Shape,
    pub(super) vars: &'a Vars,
    pub(super) install: Option<Install>,
    /// How much of the bar is full.
    pub(super) percent: Option<u64>,
    pub(super) brand: &'a Brand,
}

/// What the frames may name. What is not there is left out, so that a frame can ask for it.
#[derive(Serialize)]
struct Frame<'a> {
    lang: &'a str,
    subject: &'a str,
    preheader: String,
    heading: String,
    greeting: String,
    blocks: Vec<Block>,
    facts: Vec<Fact<'a>>,
    support: Vec<Way>,
    brand: Look,
    /// The texts under `common`, filled.
    t: BTreeMap<&'a str, String>,
    /// The words under `install`.
    i: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<Meter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<Way>,
    #[serde(skip_serializing_if = "Option::is_none")]
    install: Option<Install>,
}

#[derive(Serialize)]
struct Fact<'a> {
    label: String,
    value: &'a str,
}

#[derive(Serialize)]
struct Meter {
    percent: u64,
    label: String,
}

/// Somewhere to go.
#[derive(Debug, Clone, Serialize)]
struct Way {
    label: String,
    url: String,
    /// The same for a reader of plain text.
    address: String,
}

#[derive(Serialize)]
struct Look {
    name: String,
    #[serde(flatten)]
    palette: Palette,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal: Option<String>,
}

/// Fills the texts and the frames. The words are those of the language `tag`, which is one of the templates'.
pub(super) fn render(templates: &Templates, tag: &str, parts: Parts<'_>) -> Result<Rendered, TemplateError> {
    let language = &templates.languages[tag];
    let text = |name: &str| templates.fill(tag, parts.kind, name, parts.vars);
    let names = language.common.0.keys();
    let common = names.map(|name| Ok((name.as_str(), clean(&templates.fill(tag, "common", name, parts.vars)?))));
    let common = common.collect::<Result<BTreeMap<_, _>, TemplateError>>()?;
    let subject = clean(&text("subject")?);
    let say = |name: &str| common.get(name).cloned().unwrap_or_default();
    let support = ways_to_support(parts.brand);
    let button = match parts.shape.button {
        Some(Button::TopUp) => web_address(parts.brand.top_up_url.as_deref()).map(web).map(|way| (way, "top_up")),
        Some(Button::Contact) => support.first().cloned().map(|way| (way, "contact")),
        None => None,
    };
    let frame = Frame {
        lang: tag,
        subject: &subject,
        preheader: clean(&text("preheader")?),
        heading: clean(&text("heading")?),
        greeting: say("greeting"),
        blocks: blocks(&text("body")?),
        facts: facts(parts.shape, parts.vars, language),
        brand: look(parts.brand),
        i: language.install.spoken(),
        meter: parts.percent.map(|percent| Meter { percent, label: say("meter") }),
        button: button.map(|(way, label)| Way { label: say(label), ..way }),
        install: parts.install,
        support,
        t: common,
    };
    let frame = minijinja::Value::from(minijinja::value::Serde(&frame));
    let fill = |name| {
        let template = templates.frames.get_template(name).and_then(|template| template.render(&frame));
        template.map_err(|error| templates.locate(&error))
    };
    let (html, text) = (fill("layout.html")?, wrap(&fill("layout.txt")?));
    Ok(Rendered { subject, text, html })
}

impl Templates {
    /// Fills one text of a language.
    pub(super) fn fill(&self, tag: &str, section: &str, name: &str, vars: &Vars) -> Result<String, TemplateError> {
        let template = self.texts.get_template(&format!("{tag}/{section}.{name}"));
        template.and_then(|template| template.render(vars)).map_err(|error| self.locate(&error))
    }
}

/// The advice at the end of an eSIM's codes.
pub(super) fn tips(language: &Language) -> Vec<String> {
    blocks(&language.install.say("tips"))
        .into_iter()
        .flat_map(|block| if block.items.is_empty() { vec![block.text] } else { block.items })
        .collect()
}

fn facts<'a>(shape: &Shape, vars: &'a Vars, language: &Language) -> Vec<Fact<'a>> {
    let fact =
        |name: &String| Some(Fact { label: language.labels.say(name), value: vars.get(name.as_str())?.as_str()? });
    shape.facts.iter().filter_map(fact).collect()
}

fn ways_to_support(brand: &Brand) -> Vec<Way> {
    let email = brand.support_email.as_deref().map(clean).filter(|email| email.contains('@')).map(|email| Way {
        // What would begin a header of the mail to come has no place in an address.
        url: format!("mailto:{}", email.replace(['?', '&', ' '], "")),
        label: email.clone(),
        address: email,
    });
    email.into_iter().chain(web_address(brand.support_url.as_deref()).map(web)).collect()
}

fn web(url: &str) -> Way {
    let shown = url.trim_start_matches("https://").trim_end_matches('/');
    Way { label: shown.to_owned(), url: url.to_owned(), address: url.to_owned() }
}

fn look(brand: &Brand) -> Look {
    Look {
        name: clean(&brand.name),
        palette: Palette::of(&brand.color),
        logo_url: web_address(brand.logo_url.as_deref()).map(str::to_owned),
        legal: brand.legal.as_deref().map(clean).filter(|legal| !legal.is_empty()),
    }
}
