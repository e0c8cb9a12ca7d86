//! A QR code as a PNG: black on white with its margin, so that it can be scanned on any background.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code (ISO/IEC 18004 asks for four).
const MARGIN: usize = 4;

/// The least width of the picture in pixels: twice the width shown, for screens with small pixels.
const WIDTH_MIN: usize = 480;

/// Why a code can't be drawn.
#[derive(Debug, thiserror::Error)]
pub enum QrError {
    #[error("the text is too long for a QR code")]
    TooLong(#[source] qrcode::types::QrError),
    #[error("the picture could not be written")]
    Png(#[source] png::EncodingError),
}

/// Draws the text, byte by byte.
pub(crate) fn png(text: &str) -> Result<Vec<u8>, QrError> {
    // M: a code on a screen is clean, and fewer modules are larger ones.
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(QrError::TooLong)?;
    let (modules, width) = (code.to_colors(), code.width());
    let scale = WIDTH_MIN.div_ceil(width + 2 * MARGIN);
    let side = (width + 2 * MARGIN) * scale;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| (at / scale).checked_sub(MARGIN).filter(|at| *at < width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => modules.get(y * width + x) == Some(&Color::Dark),
            _ => false,
        }
    };
    let rows = (0..side).flat_map(|y| row(side, |x| is_dark(x, y))).collect::<Vec<_>>();
    encode(side, &rows).map_err(QrError::Png)
}

/// One bit a pixel, 1 for light, each row padded to whole bytes.
fn row(side: usize, is_dark: impl Fn(usize) -> bool) -> Vec<u8> {
    let byte = |first: usize| (first..first + 8).fold(0_u8, |bits, x| (bits << 1) | u8::from(x >= side || !is_dark(x)));
    (0..side).step_by(8).map(byte).collect()
}

fn encode(side: usize, rows: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side, side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rows)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use super::*;

    /// The text that a phone would read.
    pub(crate) fn scan(png: &[u8]) -> String {
        let mut decoder = png::Decoder::new(Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (usize::try_from(info.width).unwrap(), usize::try_from(info.height).unwrap());
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn what_is_scanned_is_what_was_given() {
        let long = format!("LPA:1$rsp.example.com${}", "A1b2-".repeat(40));
        for text in ["LPA:1$rsp.example.com$K2-1VFXZ9-1M3QH7P", "LPA:1$h$m$1.3.6.1$1", "LPA:1$h$ä &%", &long] {
            assert_eq!(scan(&png(text).unwrap()), text);
        }
    }

    #[test]
    fn a_code_is_small_to_send_and_large_to_scan() {
        let png = png("LPA:1$SECSMSMINIAPP.EASTCOMPEACE.COM$502F97EF09144E0C9D62FD781E259916").unwrap();
        assert!(png.len() < 8_000, "{} bytes", png.len());
        assert!(matches!(super::png(&"x".repeat(3_000)), Err(QrError::TooLong(_))));
    }
}
