//! What the caller of [`compile`](crate::compile::compile) may choose.

/// What is compiled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// One piece of code for each.
    pub levels: Vec<Level>,
    /// One module of kernels for each.
    pub devices: Vec<Compute>,
    /// The target triple: `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// Which stages are printed, and where to.
    pub dump: Dump,
    /// Whether each stage is verified.
    pub verify: bool,
    /// From which sizes on another form of a loop pays.
    pub sizes: Sizes,
    /// Which products may go by tensor cores on a device.
    pub tensor_cores: TensorCores,
}

/// Which products may go by tensor cores on a device, where the order and the roundings of their sums are its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TensorCores {
    /// None, so that results have the bits of a host.
    #[default]
    Never,
    /// Products of floats of 16 bits, which are exact.
    Halves,
    /// Those of `f32` too, which see no more than 10 bits behind the point of what they multiply.
    Singles,
}

impl TensorCores {
    /// The choice of which an option of a function speaks, if it speaks of one.
    pub fn of_option(word: &str) -> Option<Self> {
        match word {
            "tensor_cores" => Some(Self::Halves),
            "tf32" => Some(Self::Singles),
            _ => None,
        }
    }
}

/// From which sizes on another form of a loop pays. Sums over rows that come in stripes are in that order, and so are sums of products that
/// come in parts; other results are the same, whatever stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The operand that the rows of a product share is copied into panels from this many bytes on …
    pub panel_bytes: i64,
    /// … if there are at least so many rows.
    pub panel_rows: i64,
    /// When nests that share their rows go through them in stripes; none says never.
    pub stripes: Option<Stripes>,
    /// The same on a device, where each nest still is one by itself: of so many rows there is work for all teams.
    pub parts: Option<Stripes>,
    /// On a device a product goes in tiles from so many rows and columns on …
    pub tile_side: i64,
    /// … if its sums have at least so many steps; …
    pub tile_steps: i64,
    /// … in large tiles if there are so many.
    pub tile_tasks: i64,
    /// On a device the sums of a product go in parts from so many steps on, which never is `i64::MAX`, …
    pub parts_from: i64,
    /// … of about so many steps each, …
    pub part_steps: i64,
    /// … if there are at most so many sums.
    pub part_results: i64,
}

/// Rows that nests go through together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripes {
    /// They do if there are at least so many …
    pub from: i64,
    /// … by so many at a time.
    pub rows: i64,
}

impl Sizes {
    /// What pays on processors of today.
    pub const USUAL: Self = Self {
        // So much does not stay in a cache of the second level, and rows far apart share few places in it.
        panel_bytes: 1 << 20,
        // The second tile reads the panel.
        panel_rows: 12,
        stripes: Some(Stripes {
            // With fewer rows than this nothing is gained over products of a few rows, which need no panels;
            // from so many on such a product turns its right operand alone as well, so that its sums have one order.
            from: 8,
            // Copying a panel for so many is cheap, and what is between stays in a cache of the second level.
            rows: 48,
        }),
        parts: Some(Stripes {
            // The rest is no shorter than a part.
            from: 1024,
            // Products of so many rows of a few heads have a tile for every multiprocessor.
            rows: 512,
        }),
        // A tile is mostly idle then, but reads each number once.
        tile_side: 8,
        // Fewer take less time than what stands around a tile.
        tile_steps: 16,
        // As many as there are multiprocessors; with fewer some would have nothing to do.
        tile_tasks: 128,
        // Fewer parts than four gain less than what adding them up takes.
        parts_from: 1024,
        part_steps: 256,
        // The elements of 64 small tiles, with which half of the multiprocessors have nothing to do.
        part_results: 1 << 18,
    };

    /// Every form is taken as soon as it can be: for tests, whose extents are small.
    pub const LEAST: Self = Self {
        panel_bytes: 0,
        panel_rows: 0,
        stripes: Some(Stripes { from: 2, rows: 3 }),
        parts: Some(Stripes { from: 4, rows: 2 }),
        tile_side: 1,
        tile_steps: 1,
        tile_tasks: 1,
        parts_from: i64::MAX,
        ..Self::USUAL
    };

    /// The same, and sums of products in parts, which give other bits.
    pub const PARTS: Self = Self { parts_from: 3, part_steps: 2, ..Self::LEAST };
}

/// What a processor must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// x86-64-v3: AVX2 and FMA.
    V3,
    /// x86-64-v4: AVX-512 F, BW, CD, DQ, VL.
    V4,
    /// aarch64 with NEON.
    Neon,
}

impl Level {
    /// The name in `DEFN_LEVEL` and in dumps.
    pub fn name(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
            Self::Neon => "neon",
        }
    }

    /// The levels of a target triple; none if it is not supported.
    pub fn of_triple(triple: &str) -> &'static [Self] {
        if triple.starts_with("x86_64") {
            &[Self::V3, Self::V4]
        } else if triple.starts_with("aarch64") {
            &[Self::Neon]
        } else {
            &[]
        }
    }

    /// Bytes of a vector register.
    pub fn register_bytes(self) -> u32 {
        match self {
            Self::V3 => 32,
            Self::V4 => 64,
            Self::Neon => 16,
        }
    }

    /// Whether a mask costs nothing: masks have registers of their own.
    pub fn masks_are_free(self) -> bool {
        match self {
            Self::V4 => true,
            Self::V3 | Self::Neon => false,
        }
    }

    /// How many vector registers there are.
    pub fn registers(self) -> u32 {
        match self {
            Self::V3 => 16,
            Self::V4 | Self::Neon => 32,
        }
    }
}

/// What a device must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compute {
    /// Compute capability 8.0 and all above.
    Sm80,
    /// Compute capability 9.0, and none above: with instructions that only it has.
    Sm90a,
}

impl Compute {
    /// All, from the least to the most.
    pub const ALL: &'static [Self] = &[Self::Sm80, Self::Sm90a];

    /// The name of the architecture, in dumps and for tools.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sm80 => "sm_80",
            Self::Sm90a => "sm_90a",
        }
    }
}

/// Who executes loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Threads of a host, with lanes in their registers.
    Host(Level),
    /// Teams of threads of a device.
    Device(Compute),
}

impl From<Level> for Target {
    fn from(level: Level) -> Self {
        Self::Host(level)
    }
}

impl From<Compute> for Target {
    fn from(compute: Compute) -> Self {
        Self::Device(compute)
    }
}

/// Which stages are printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The names of the stages that are printed to standard error.
    pub stages: Vec<String>,
    /// A folder that gets every stage as a file.
    pub folder: Option<String>,
}
