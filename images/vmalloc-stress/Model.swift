/// What is wrong, and where.
struct Problem {
  let sentence: StaticString
  let address: KernelAddress
}

/// A set of at most 48 elements in no order, for a kernel without a heap of its own.
struct Few<Element> {
  private var elements: InlineArray<48, Element>
  private(set) var count = 0

  init(_ filler: Element) { elements = InlineArray(repeating: filler) }

  var isFull: Bool { count == 48 }

  subscript(index: Int) -> Element {
    get { elements[index] }
    set { elements[index] = newValue }
  }

  mutating func add(_ element: Element) {
    elements[count] = element
    count += 1
  }

  /// Takes the element at `index` out; the last one takes its place.
  mutating func remove(_ index: Int) -> Element {
    let element = elements[index]
    count -= 1
    elements[index] = elements[count]
    return element
  }

  /// An index for a random number; nil when there is no element.
  func pick(_ number: UInt32) -> Int? { count == 0 ? nil : Int(number % UInt32(count)) }
}

/// An area that there should be.
struct ModelArea {
  var start: KernelAddress
  var pages: UInt32
  var kind: Kind
  /// What its pages hold: see `Stress.word`. A view has its area's.
  var tag: UInt32 = 0
  /// Views of it: it must outlive them.
  var views: UInt32 = 0
  /// What a view is of.
  var owner = KernelAddress.null

  enum Kind { case vmalloc, vmalloc32, view, bus }

  var end: KernelAddress { start + pages << pageShift }
}

/// Marsaglia's xorshift with 32 bits: the same calls on every machine.
struct Random {
  private var state: UInt32

  init(seed: UInt32) {
    // Neighbouring seeds must not begin alike, and 0 would stay 0.
    state = seed &* 0x9E37_79B1 ^ 0x5A5A_5A5A
    if state == 0 { state = 1 }
  }

  mutating func next() -> UInt32 {
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    return state
  }

  mutating func below(_ bound: UInt32) -> UInt32 { (next() >> 8) % bound }
}
