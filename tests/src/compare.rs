//! Comparison of a layer with a fixture, on the CPU engine and on every device of this build.

use crate::devices::{EngineLayer, EngineShape, on_devices};
use crate::fixtures::Fixture;
use crate::reference::Names;
use softmoe_nets::{ParameterList, Weights};
use std::collections::BTreeSet;

/// A layer, its weights and its input.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a, In, L> {
    /// The layer.
    pub layer: &'a L,
    /// Its parameters.
    pub list: &'a ParameterList,
    /// How the fixture calls them.
    pub names: &'a Names,
    /// Their values, and noise.
    pub weights: Weights<'a, f32>,
    /// The shape of the input.
    pub shape: In,
    /// The input.
    pub x: &'a [f32],
}

/// How a fixture calls a layer's results. The default is `output`, `grad/input`, `grad/param/<name>`.
#[derive(Clone, Copy, Debug)]
pub struct Tensors<'a> {
    /// The output.
    pub output: &'a str,
    /// The group of the output's tolerance.
    pub output_group: &'a str,
    /// The gradient with respect to the input, if the fixture has it.
    pub d_input: Option<&'a str>,
    /// The folder of the gradients with respect to the parameters.
    pub gradients: &'a str,
    /// The group of the gradients' tolerance.
    pub gradient_group: &'a str,
    /// Tolerances of gradients on devices are that many times as wide.
    pub device_factor: f64,
    /// Compares the quantities derived from the output.
    pub derived: fn(&Fixture, &[f32]),
}

impl Default for Tensors<'_> {
    fn default() -> Self {
        Tensors {
            output: "output",
            output_group: "output",
            d_input: Some("grad/input"),
            gradients: "grad/param",
            gradient_group: "grad",
            device_factor: 1.0,
            derived: |_, _| (),
        }
    }
}

impl Tensors<'_> {
    fn assert_output(&self, fixture: &Fixture, output: &[f32]) {
        fixture.assert_close(self.output, output, self.output_group);
        (self.derived)(fixture, output);
    }

    fn assert_gradients<In, L>(
        &self,
        fixture: &Fixture,
        subject: &Subject<'_, In, L>,
        d_input: &[f32],
        gradient: &[f32],
    ) {
        if let Some(tensor) = self.d_input {
            fixture.assert_close(tensor, d_input, self.gradient_group);
        }
        for (ours, theirs) in subject.names {
            let range = subject.list.get(ours).expect("a parameter that was read").range.clone();
            fixture.assert_close(
                &format!("{}/{theirs}", self.gradients),
                &gradient[range],
                self.gradient_group,
            );
        }
    }
}

impl<In: EngineShape, L: EngineLayer<In>> Subject<'_, In, L> {
    /// Compares the output and, if the fixture has a `cotangent`, the gradients. `inner` compares intermediate values, after the
    /// forward pass on the CPU engine. Returns whether gradients were compared.
    ///
    /// # Panics
    /// If a tensor is missing or differs.
    #[must_use = "a test that compared no gradient should fail"]
    pub fn compare(
        &self,
        fixture: &Fixture,
        tensors: Tensors<'_>,
        inner: impl FnOnce(&L::Workspace<f32>),
    ) -> bool {
        let &Subject { layer, list, weights, shape, x, .. } = self;
        let cotangent = fixture.has("cotangent").then(|| fixture.f32("cotangent"));
        let mut workspace = layer.workspace::<f32>(shape);
        tensors.assert_output(fixture, layer.forward(weights, x, &mut workspace));
        inner(&workspace);
        if let Some(dy) = &cotangent {
            let mut gradient = vec![f32::NAN; list.len()];
            let wants_input = tensors.d_input.is_some();
            let dx = layer.backward(weights, x, dy, &mut workspace, &mut gradient, wants_input);
            tensors.assert_gradients(fixture, self, dx, &gradient);
        }
        on_devices(layer, list, shape, weights, x, cotangent.as_deref(), |computed| {
            tensors.assert_output(fixture, &computed.output);
            if cotangent.is_some() {
                let fixture = fixture.with_factor(tensors.device_factor);
                tensors.assert_gradients(&fixture, self, &computed.d_input, &computed.gradient);
            }
        });
        cotangent.is_some()
    }

    /// As [`compare`](Self::compare), of a layer whose fixtures all have gradients.
    ///
    /// # Panics
    /// As `compare`, and without a `cotangent`.
    pub fn compare_gradients(
        &self,
        fixture: &Fixture,
        tensors: Tensors<'_>,
        inner: impl FnOnce(&L::Workspace<f32>),
    ) {
        assert!(self.compare(fixture, tensors, inner), "{} has no cotangent", fixture.name());
    }
}

/// The families of networks whose gradients a test has compared.
#[derive(Clone, Debug, Default)]
pub struct GradientsCompared(BTreeSet<String>);

impl GradientsCompared {
    /// Counts a network of a family, if its gradients were compared.
    pub fn count(&mut self, family: &str, compared: bool) {
        if compared {
            self.0.insert(family.to_owned());
        }
    }

    /// Checks that each of the families had a network with gradients.
    ///
    /// # Panics
    /// If one had none: its fixtures have no `cotangent`.
    pub fn assert_covers(&self, families: &[&str]) {
        let missing: Vec<_> = families.iter().filter(|family| !self.0.contains(**family)).collect();
        assert!(missing.is_empty(), "no fixture of {missing:?} has a cotangent, only of {:?}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::GradientsCompared;

    #[test]
    #[should_panic(expected = r#"no fixture of ["mixture"] has a cotangent, only of {"flat"}"#)]
    fn a_family_without_gradients_is_missed() {
        let mut compared = GradientsCompared::default();
        compared.count("flat", true);
        compared.count("mixture", false);
        compared.assert_covers(&["flat", "mixture"]);
    }
}
