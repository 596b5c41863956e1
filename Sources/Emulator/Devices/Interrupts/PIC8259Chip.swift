/// One 8259A: its registers and its priority logic, as a value.
///
/// Intel 8259A Programmable Interrupt Controller, order number 231468; the section names in the comments are
/// its. The edge/level register is the one that EISA and the PCI chip sets added beside the chip (Intel 82371SB
/// data sheet, ELCR1 and ELCR2).
struct PIC8259Chip: Sendable, Hashable, Codable {
  /// Which initialization command word comes next.
  enum Expected: String, Sendable, Hashable, Codable {
    /// None: the chip works.
    case none
    case icw2
    case icw3
    case icw4
  }

  /// Whether this is the chip with the slaves: the SP/EN pin.
  let isMaster: Bool
  /// The inputs' levels.
  private(set) var lines: UInt8 = 0
  /// Inputs that have risen and not been acknowledged since: the edge sense latches.
  private(set) var edges: UInt8 = 0
  /// In-service register.
  private(set) var isr: UInt8 = 0
  /// Interrupt mask register.
  private(set) var imr: UInt8 = 0xFF
  /// Inputs that are level-triggered, by the edge/level register.
  var levelTriggered: UInt8 = 0
  /// ICW1 LTIM: all inputs are level-triggered.
  private(set) var allLevelTriggered = false
  /// ICW2: the upper five bits of the vectors.
  private(set) var vectorBase: UInt8 = 0
  /// ICW3: on the master the inputs that have a slave.
  private(set) var slaves: UInt8 = 0
  /// The input that has the lowest priority at present; the next one has the highest.
  private(set) var lowestPriority: UInt8 = 7
  /// ICW4 AEOI.
  private(set) var automaticEOI = false
  /// OCW2 100b: rotate at each automatic EOI.
  private(set) var rotatesOnAutomaticEOI = false
  /// OCW3 SMM.
  private(set) var specialMask = false
  /// ICW4 SFNM.
  private(set) var specialFullyNested = false
  /// OCW3: reads at the even port give the ISR rather than the IRR.
  private(set) var readsISR = false
  /// OCW3 P: the next read is an acknowledgement.
  private(set) var polled = false
  /// Where the initialization stands; nothing is requested in its midst. A chip that was never initialized has
  /// everything masked, and its mask can be written and read, by which Linux finds out that there is a chip.
  private(set) var expected = Expected.none
  private(set) var single = false
  private(set) var needsICW4 = false

  init(isMaster: Bool) {
    self.isMaster = isMaster
  }

  /// Interrupt request register: what is asked for, masked or not.
  var irr: UInt8 {
    let level = allLevelTriggered ? 0xFF : levelTriggered
    return (edges & ~level) | (lines & level)
  }

  /// Puts an input to a level. An edge-triggered request whose line falls before it is acknowledged is gone
  /// ("Interrupt Sequence").
  mutating func setLine(_ input: UInt8, _ level: Bool) {
    let bit: UInt8 = 1 << (input & 7)
    if level {
      edges |= bit & ~lines
      lines |= bit
    } else {
      edges &= ~bit
      lines &= ~bit
    }
  }

  /// The input whose interrupt the chip requests from the CPU or its master, if any.
  var request: UInt8? {
    guard expected == .none else { return nil }
    let wanted = irr & ~imr
    guard wanted != 0 else { return nil }
    // "Special Mask Mode": levels that are in service but masked hold nothing back.
    let blocking = specialMask ? isr & ~imr : isr
    for step: UInt8 in 1...8 {
      let input = (lowestPriority &+ step) & 7
      let bit: UInt8 = 1 << input
      if blocking & bit != 0 {
        // "Special Fully Nested Mode": a slave in service may ask again, for one of its higher priorities.
        return specialFullyNested && wanted & bit != 0 && hasSlave(at: input) ? input : nil
      }
      if wanted & bit != 0 { return input }
    }
    return nil
  }

  /// Whether an input leads to a slave.
  func hasSlave(at input: UInt8) -> Bool {
    isMaster && !single && slaves & (1 << (input & 7)) != 0
  }

  /// The CPU's acknowledgement: takes the request into service and gives its input; `nil` if there is none any
  /// more, for which the chip answers as input 7 with nothing in service.
  mutating func acknowledge() -> UInt8? {
    guard let input = request else { return nil }
    let bit: UInt8 = 1 << input
    edges &= ~bit
    if automaticEOI {
      if rotatesOnAutomaticEOI { lowestPriority = input }
    } else {
      isr |= bit
    }
    return input
  }

  // MARK: Registers

  /// A read at the even (`false`) or odd (`true`) port.
  mutating func read(odd: Bool) -> UInt8 {
    if polled {
      polled = false
      return acknowledge().map { 0x80 | $0 } ?? 0
    }
    if odd { return imr }
    return readsISR ? isr : irr
  }

  /// A write at the even (`false`) or odd (`true`) port.
  mutating func write(odd: Bool, _ value: UInt8) {
    if odd {
      writeOdd(value)
    } else if value & 0x10 != 0 {
      initialize(value)
    } else if value & 0x08 != 0 {
      writeOCW3(value)
    } else {
      writeOCW2(value)
    }
  }

  /// ICW1: "Initialization Command Words", what happens automatically.
  private mutating func initialize(_ icw1: UInt8) {
    edges = 0
    isr = 0
    imr = 0
    lowestPriority = 7
    specialMask = false
    readsISR = false
    polled = false
    rotatesOnAutomaticEOI = false
    automaticEOI = false
    specialFullyNested = false
    needsICW4 = icw1 & 0x01 != 0
    single = icw1 & 0x02 != 0
    allLevelTriggered = icw1 & 0x08 != 0
    expected = .icw2
  }

  private mutating func writeOdd(_ value: UInt8) {
    switch expected {
    case .icw2:
      vectorBase = value & 0xF8
      expected = single ? (needsICW4 ? .icw4 : .none) : .icw3
    case .icw3:
      slaves = value
      expected = needsICW4 ? .icw4 : .none
    case .icw4:
      automaticEOI = value & 0x02 != 0
      specialFullyNested = value & 0x10 != 0
      expected = .none
    case .none:
      imr = value
    }
  }

  /// OCW2: end of interrupt and rotation.
  private mutating func writeOCW2(_ value: UInt8) {
    let level = value & 7
    switch value >> 5 {
    case 0b000: rotatesOnAutomaticEOI = false
    case 0b001: endOfInterrupt(rotating: false)
    case 0b010: break
    case 0b011: isr &= ~(1 << level)
    case 0b100: rotatesOnAutomaticEOI = true
    case 0b101: endOfInterrupt(rotating: true)
    case 0b110: lowestPriority = level
    default:
      isr &= ~(1 << level)
      lowestPriority = level
    }
  }

  /// A non-specific EOI ends the service of the highest priority; in special mask mode masked levels are passed
  /// over ("Special Mask Mode").
  private mutating func endOfInterrupt(rotating: Bool) {
    let served = specialMask ? isr & ~imr : isr
    for step: UInt8 in 1...8 {
      let input = (lowestPriority &+ step) & 7
      if served & (1 << input) != 0 {
        isr &= ~(1 << input)
        if rotating { lowestPriority = input }
        return
      }
    }
  }

  /// OCW3: special mask mode, poll, and which register is read.
  private mutating func writeOCW3(_ value: UInt8) {
    if value & 0x40 != 0 { specialMask = value & 0x20 != 0 }
    if value & 0x04 != 0 {
      polled = true
    } else if value & 0x02 != 0 {
      readsISR = value & 0x01 != 0
    }
  }
}
