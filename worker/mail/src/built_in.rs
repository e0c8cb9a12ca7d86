//! The template files that are built into the program.

/// A language's tag and the file with its texts.
pub(crate) const LANGUAGES: [(&str, &str); 4] = [
    ("en", include_str!("../templates/en.toml")),
    ("es", include_str!("../templates/es.toml")),
    ("de", include_str!("../templates/de.toml")),
    ("ja", include_str!("../templates/ja.toml")),
];

/// The frames that every mail is put into, by their file names.
pub(crate) const FRAMES: [(&str, &str); 4] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("layout.txt", include_str!("../templates/layout.txt")),
    ("install.html", include_str!("../templates/install.html")),
    ("install.txt", include_str!("../templates/install.txt")),
];

/// The facts and buttons of each kind of mail.
pub(crate) const KINDS: &str = include_str!("../templates/kinds.toml");
