//! JSON inside the page.

use super::find::Figure;
use serde_json::json;

/// Version of the format of the embedded JSON.
const FORMAT: u32 = 1;

/// The data of the page, as JSON that a `script` element can hold: no text in it ends the element.
pub(super) fn data(figures: &[Figure]) -> String {
    let mut text =
        format!("{{\"format\":{FORMAT},\"version\":{},\"figures\":[", json!(env!("CARGO_PKG_VERSION")));
    text.push_str(&figures.iter().map(|figure| figure.text.as_str()).collect::<Vec<_>>().join(",\n"));
    text.push_str("],\"films\":[");
    let film = |figure: &Figure, film: &super::find::Film| {
        json!({
            "figure": figure.data.figure,
            "profile": figure.data.profile,
            "arm": film.arm,
            "game": film.game,
            "seed": film.seed,
            "address": film.link.address,
        })
    };
    let films =
        figures.iter().flat_map(|figure| figure.films.iter().map(move |of| film(figure, of).to_string()));
    text.push_str(&films.collect::<Vec<_>>().join(",\n"));
    text.push_str("]}");
    escaped(&text)
}

/// JSON in which `<`, `>` and `&`, which only strings have, are escapes.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_element() {
        let hostile = json!({ "</script><!--": "<script>&\u{2028}" }).to_string();
        let safe = escaped(&hostile);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            json!({ "</script><!--": "<script>&\u{2028}" })
        );
    }
}
