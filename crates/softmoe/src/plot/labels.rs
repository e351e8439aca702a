//! Places for labels beside each other that must not overlap.

/// The heights of the middles of labels: each as near as possible to the one it `wants` (together, by least squares), without
/// overlap, in the order of what they want. Labels are given as pairs of wanted middle and height, and lie between
/// `top` and `bottom` if they all fit there; else they begin at the top.
pub(super) fn places(labels: &[(f64, f64)], top: f64, bottom: f64) -> Vec<f64> {
    /// Labels that touch each other.
    struct Cluster {
        members: Vec<usize>,
        height: f64,
        /// The sum over members of the top of the cluster that puts it where it wants to be.
        wanted: f64,
    }
    impl Cluster {
        fn top(&self, top: f64, bottom: f64) -> f64 {
            (self.wanted / self.members.len() as f64).min(bottom - self.height).max(top)
        }
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| labels[a].0.total_cmp(&labels[b].0));
    let mut clusters: Vec<Cluster> = Vec::new();
    for index in order {
        let (middle, height) = labels[index];
        let mut last = Cluster { members: vec![index], height, wanted: middle - height / 2.0 };
        while let Some(above) = clusters.pop() {
            if above.top(top, bottom) + above.height <= last.top(top, bottom) {
                clusters.push(above);
                break;
            }
            let wanted = above.wanted + last.wanted - above.height * last.members.len() as f64;
            let members = [above.members, last.members].concat();
            last = Cluster { members, height: above.height + last.height, wanted };
        }
        clusters.push(last);
    }
    let mut places = vec![0.0; labels.len()];
    for cluster in clusters {
        let mut y = cluster.top(top, bottom);
        for index in cluster.members {
            let height = labels[index].1;
            places[index] = y + height / 2.0;
            y += height;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::places;
    use proptest::prelude::*;

    #[test]
    fn labels_stay_where_there_is_room() {
        assert_eq!(places(&[(50.0, 20.0), (100.0, 20.0)], 0.0, 200.0), [50.0, 100.0]);
        assert_eq!(places(&[(100.0, 20.0), (100.0, 20.0)], 0.0, 200.0), [90.0, 110.0]);
        assert_eq!(places(&[(5.0, 20.0), (195.0, 20.0)], 0.0, 200.0), [10.0, 190.0]);
        assert!(places(&[], 0.0, 1.0).is_empty());
    }

    proptest! {
        #[test]
        fn labels_do_not_overlap(labels in prop::collection::vec((-50.0..450.0_f64, 10.0..60.0_f64), 1..7)) {
            let places = places(&labels, 0.0, 400.0);
            let mut boxes: Vec<(f64, f64, f64)> = places.iter().zip(&labels)
                .map(|(middle, (wanted, height))| (middle - height / 2.0, middle + height / 2.0, *wanted))
                .collect();
            boxes.sort_by(|a, b| a.0.total_cmp(&b.0));
            for pair in boxes.windows(2) {
                prop_assert!(pair[0].1 <= pair[1].0 + 1e-6, "{boxes:?}");
                prop_assert!(pair[0].2 <= pair[1].2, "out of order: {boxes:?}");
            }
            let total: f64 = labels.iter().map(|label| label.1).sum();
            if total <= 400.0 {
                prop_assert!(boxes[0].0 >= -1e-6 && boxes[boxes.len() - 1].1 <= 400.0 + 1e-6, "{boxes:?}");
            }
        }
    }
}
