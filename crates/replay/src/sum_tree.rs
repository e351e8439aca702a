//! A binary tree of sums, to draw an item in proportion to its weight.

/// A sum tree: weights of a fixed number of items, their sum, and a search by cumulative sum.
///
/// A parent is always recomputed as the sum of its two children, so rounding does not accumulate however often
/// weights change: the tree is a function of its weights alone.
///
/// ```
/// use softmoe_replay::SumTree;
///
/// let mut tree = SumTree::new(3);
/// tree.set(0, 1.0);
/// tree.set(2, 2.5);
/// assert_eq!(tree.total(), 3.5);
/// assert_eq!((tree.find(0.5), tree.find(1.0), tree.find(3.4)), (0, 2, 2));
/// ```
#[derive(Clone, Debug)]
pub struct SumTree {
    len: usize,
    /// `nodes[1]` is the root, the children of node `k` are `2 k` and `2 k + 1`, and the second half are the leaves.
    nodes: Vec<f64>,
}

impl SumTree {
    /// A tree of `len` items of weight 0.
    ///
    /// # Panics
    ///
    /// If there is no memory for the tree.
    pub fn new(len: usize) -> Self {
        Self::try_new(len).expect("memory for a sum tree")
    }

    /// The same; `None` if there is no memory for the tree.
    pub(crate) fn try_new(len: usize) -> Option<Self> {
        let count = len.checked_next_power_of_two()?.checked_mul(2)?;
        let mut nodes = Vec::new();
        nodes.try_reserve_exact(count).ok()?;
        nodes.resize(count, 0.0);
        Some(Self { len, nodes })
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the tree has no items.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sum of all weights.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// Weight of an item.
    ///
    /// # Panics
    ///
    /// If there is no such item.
    pub fn get(&self, item: usize) -> f64 {
        self.nodes[self.leaf(item)]
    }

    /// Gives an item a weight, in O(log n).
    ///
    /// # Panics
    ///
    /// If there is no such item, or if the weight is negative, infinite or not a number.
    pub fn set(&mut self, item: usize, weight: f64) {
        assert!(weight >= 0.0 && weight.is_finite(), "weight {weight} of item {item} is no weight");
        let mut node = self.leaf(item);
        self.nodes[node] = weight;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The item at a target, in O(log n): the first item whose cumulative sum is above the target. A target equal to a
    /// cumulative sum belongs to the next item. An item of weight 0 is never found: a target at or above the total finds
    /// the last item with a weight.
    ///
    /// # Panics
    ///
    /// If the total is 0.
    pub fn find(&self, target: f64) -> usize {
        assert!(self.total() > 0.0, "there is nothing to find among weights of 0");
        let leaves = self.nodes.len() / 2;
        let (mut node, mut target) = (1, target);
        while node < leaves {
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            node *= 2;
            // The second condition matters only where rounding has put the target past the last weight.
            if target >= left && right > 0.0 {
                target -= left;
                node += 1;
            }
        }
        node - leaves
    }

    fn leaf(&self, item: usize) -> usize {
        assert!(item < self.len, "item {item} of a sum tree of {} items", self.len);
        self.nodes.len() / 2 + item
    }
}
