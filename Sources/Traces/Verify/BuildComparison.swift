import Emulator

/// Puts an event of a run into the terms of a golden that another build of the guest was recorded from.
///
/// A new build moves code and data, and with them the memory that the guest allocates. What only moved is the same:
///
/// - a place is the function around it, an address in the image is the object around it and how far in;
/// - a frame of the image is the object that begins at a page and covers it; where the image is mapped to where it was loaded, it
///   is the address;
/// - a frame outside is the same number, or one that the guest allocates: it stands for the golden's from the first time on;
/// - a linear address outside is the same number, or one that is as far from a frame that stands for the golden's.
///
/// Flags and rights of entries, and everything else, are compared as they are. docs/regression-tests.md promises this.
final class BuildComparison {
  private let golden: BuildNames
  private let run: BuildNames
  private let memory: [Range<UInt64>]
  private var frames = PageCorrespondence()
  /// Addresses of an image whose names were not kept: a text golden's.
  private var addresses = PageCorrespondence()
  /// How far linear addresses are from the frames they are mapped to, in both builds: where the guest maps all memory.
  private var mappedDistances: [UInt64] = []

  private static let maxDistances = 16
  /// Bits 51:12 of a paging-structure entry.
  private static let frameBits: UInt64 = 0x000f_ffff_ffff_f000
  /// A, bit 5.
  private static let accessed: UInt64 = 1 << 5

  /// - Parameter memoryBytes: the machine's RAM.
  init(golden: BuildNames, run: BuildNames, memoryBytes: UInt64) {
    self.golden = golden
    self.run = run
    // Below 1 MiB nothing is allocated that moves with the image.
    let ranges = (try? MemoryMap(bytes: memoryBytes))?.ramRanges ?? []
    memory = ranges.filter { $0.lowerBound >= MemoryMap.legacyWindow.upperBound }
  }

  /// The run's event with the golden's numbers wherever they stand for the same. Then comes `commit` or `rollBack`.
  func inTerms(of event: TraceEvent, _ other: TraceEvent) -> TraceEvent {
    guard event.kind == other.kind else { return other }
    var result = other
    if event.kind == .walk { alignUpdates(event, &result) }
    guard event.present == result.present else { return other }
    result.moment.instruction = event.moment.instruction
    if isSamePlace(event.moment.linear, other.moment.linear) {
      result.moment.linear = event.moment.linear
      result.moment.eip = event.moment.eip
    }
    switch event.kind {
    case .walk: align(walk: event, other, &result)
    case .pteStore: align(store: event, other, &result)
    case .tlbFill, .tlbEvict:
      let linear = (event[TLBFields.linear], other[TLBFields.linear])
      let frame = (event[TLBFields.frame], other[TLBFields.frame])
      alignMapped(linear, frame, &result, TLBFields.linear, TLBFields.frame)
    case .access:
      let linear = (event[AccessFields.linear], other[AccessFields.linear])
      let physical = (event[AccessFields.physical], other[AccessFields.physical])
      alignMapped(linear, physical, &result, AccessFields.linear, AccessFields.physical)
    case .task where event[TaskFields.register] != TaskFields.Register.cr3.rawValue: break
    default: alignRest(event, other, &result)
    }
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      if case .slot = field.meaning { result.set(index, event[index]) }
    }
    return result
  }

  func commit() {
    frames.commit()
    addresses.commit()
  }

  func rollBack() {
    frames.rollBack()
    addresses.rollBack()
  }

  // MARK: Kinds

  private func alignRest(_ event: TraceEvent, _ other: TraceEvent, _ result: inout TraceEvent) {
    for (index, field) in EventSchema.fields(of: event.kind).enumerated() where event.has(index) {
      let isSame =
        switch field.meaning {
        case .linear, .linearPage: isSameLinear(event[index], other[index], distance: nil)
        case .cr3: isSameCR3(event[index], other[index])
        case .other, .physical, .entry, .device, .slot: false
        }
      if isSame { result.set(index, event[index]) }
    }
  }

  private func align(walk event: TraceEvent, _ other: TraceEvent, _ result: inout TraceEvent) {
    let linear = (event[WalkFields.linear], other[WalkFields.linear])
    // Where in its table an entry is follows from the linear address.
    for field in [WalkFields.pdeAddress, .pteAddress] where event.has(field) {
      let (a, b) = (event[field], other[field])
      if isSameFrame(a & ~0xfff, b & ~0xfff, index: nil), a & 0xfff == b & 0xfff || linear.0 != linear.1 {
        result.put(field, a)
      }
    }
    let isOfImage = isImageMappedWhereLoaded(event, other)
    func index(_ shift: UInt64) -> UInt64? { linear.0 == linear.1 ? linear.0 >> shift & 0x1ff : nil }
    for (field, shift) in [(WalkFields.pdpte, UInt64(30)), (.pde, 21), (.pte, 12)] where event.has(field) {
      let (a, b) = (event[field], other[field])
      let isLeaf = field == .pte || field == .pde && !event.has(WalkFields.pte)
      let ignored = isLeaf ? 0 : Self.accessed
      let isSame =
        isLeaf && isOfImage
        ? a & ~Self.frameBits == b & ~Self.frameBits
        : isSameEntry(a & ~ignored, b & ~ignored, index: index(shift))
      if isSame { result.put(field, a) }
    }
    if isOfImage {
      result.put(WalkFields.frame, event[WalkFields.frame])
    } else if let a = event.value(WalkFields.frame), let b = other.value(WalkFields.frame),
      isSameFrame(a, b, index: index(12), isLarge: event[WalkFields.page] == 1)
    {
      result.put(WalkFields.frame, a)
    }
    if isSameLinear(linear.0, linear.1, distance: distance(event, other)) {
      result.put(WalkFields.linear, linear.0)
    }
  }

  /// Whether this walk or one before it was the first to go through a PDE depends on what else it leads to.
  private func alignUpdates(_ event: TraceEvent, _ result: inout TraceEvent) {
    let ofLeaf: UInt64 = 2
    guard event[WalkFields.updates] & ofLeaf == result[WalkFields.updates] & ofLeaf else { return }
    if let updates = event.value(WalkFields.updates) {
      result.put(WalkFields.updates, updates)
    } else {
      result.remove(WalkFields.updates)
    }
  }

  /// How far both walks' linear addresses are from their frames, where that is the same.
  private func distance(_ event: TraceEvent, _ other: TraceEvent) -> UInt64? {
    guard let a = event.value(WalkFields.frame), let b = other.value(WalkFields.frame) else { return nil }
    let distances = ((event[WalkFields.linear] & ~0xfff) &- a, (other[WalkFields.linear] & ~0xfff) &- b)
    guard distances.0 == distances.1 else { return nil }
    learn(distances.0)
    return distances.0
  }

  private func learn(_ distance: UInt64) {
    guard !mappedDistances.contains(distance), mappedDistances.count < Self.maxDistances else { return }
    mappedDistances.append(distance)
  }

  /// Whether both walks were for the image, and found its page where it was loaded.
  private func isImageMappedWhereLoaded(_ event: TraceEvent, _ other: TraceEvent) -> Bool {
    guard event[WalkFields.page] == 0, let a = event.value(WalkFields.frame),
      let b = other.value(WalkFields.frame)
    else { return false }
    return golden.loadedPage(ofLinear: event[WalkFields.linear]) == a
      && run.loadedPage(ofLinear: other[WalkFields.linear]) == b
  }

  private func align(store event: TraceEvent, _ other: TraceEvent, _ result: inout TraceEvent) {
    let at = (event[StoreFields.address], other[StoreFields.address])
    let linear = (event[StoreFields.linear], other[StoreFields.linear])
    let isByWalker = event[StoreFields.writer] == UInt64(StoreWriter.walker.rawValue)
    let isSameTable = isSameFrame(at.0 & ~0xfff, at.1 & ~0xfff, index: nil)
    let isSameSlot = at.0 & 0xfff == at.1 & 0xfff || isByWalker && linear.0 != linear.1
    if isSameTable && isSameSlot || isSameObject(physical: at.0, at.1) {
      result.put(StoreFields.address, at.0)
    }
    for field in [StoreFields.old, .new] {
      let (a, b) = (event[field], other[field])
      if isSameEntry(a, b, indexOfEntryAt: at.0) { result.put(field, a) }
    }
    let distances = isByWalker ? nil : (linear.0 &- at.0, linear.1 &- at.1)
    let distance = distances.flatMap { $0.0 == $0.1 ? $0.0 : nil }
    if isSameLinear(linear.0, linear.1, distance: distance) { result.put(StoreFields.linear, linear.0) }
  }

  /// A linear address and what it is mapped to.
  private func alignMapped<Field: EventFields>(
    _ linear: (UInt64, UInt64), _ physical: (UInt64, UInt64), _ result: inout TraceEvent, _ first: Field,
    _ second: Field
  ) {
    let pages = (physical.0 & ~0xfff, physical.1 & ~0xfff)
    let distances = ((linear.0 & ~0xfff) &- pages.0, (linear.1 & ~0xfff) &- pages.1)
    let isLoaded =
      golden.loadedPage(ofLinear: linear.0) == pages.0 && run.loadedPage(ofLinear: linear.1) == pages.1
    let index = linear.0 == linear.1 ? linear.0 >> 12 & 0x1ff : nil
    if isLoaded || isSameFrame(pages.0, pages.1, index: index),
      isLoaded || physical.0 & 0xfff == physical.1 & 0xfff
    {
      result.put(second, physical.0)
    }
    let isSame =
      isSameLinear(linear.0, linear.1, distance: distances.0 == distances.1 ? distances.0 : nil)
      // A page of the image begins in the middle of something.
      || isLoaded && linear.0 & 0xfff == 0 && linear.1 & 0xfff == 0
    if isSame { result.put(first, linear.0) }
  }

  // MARK: Numbers

  private func isSamePlace(_ a: UInt32, _ b: UInt32) -> Bool {
    let functions = (golden.function(at: a), run.function(at: b))
    guard let first = functions.0, let second = functions.1 else {
      return functions.0 == nil && functions.1 == nil && isSameLinear(UInt64(a), UInt64(b), distance: nil)
    }
    return first == second
  }

  private func isSameLinear(_ a: UInt64, _ b: UInt64, distance: UInt64?) -> Bool {
    switch (golden.place(ofLinear: a), run.place(ofLinear: b)) {
    case (.unnamed?, _?), (_?, .unnamed?):
      return stand(address: a, b)
    case (let first?, let second?): return first == second
    case (nil, nil):
      if a == b { return true }
      return (distance.map { [$0] } ?? mappedDistances).contains { distance in
        let physical = (a &- distance, b &- distance)
        return physical.0 & 0xfff == physical.1 & 0xfff && isMemory(physical.0) && isMemory(physical.1)
          && isSameFrame(physical.0 & ~0xfff, physical.1 & ~0xfff, index: nil, isKnown: true)
      }
    default: return a == b
    }
  }

  private func isMemory(_ physical: UInt64) -> Bool { memory.contains { $0.contains(physical) } }

  private func isSameObject(physical a: UInt64, _ b: UInt64) -> Bool {
    guard let first = golden.place(ofPhysical: a), let second = run.place(ofPhysical: b) else { return false }
    if first == .unnamed || second == .unnamed { return stand(address: a, b) }
    if case .object = first { return first == second }
    return false
  }

  private func isSameCR3(_ a: UInt64, _ b: UInt64) -> Bool {
    guard a & 31 == b & 31 else { return false }
    let tables = (a & 0xffff_ffe0, b & 0xffff_ffe0)
    return isSameObject(physical: tables.0, tables.1)
      || tables.0 & 0xfff == tables.1 & 0xfff
        && isSameFrame(tables.0 & ~0xfff, tables.1 & ~0xfff, index: nil)
  }

  /// - Parameter index: which entry of its table it is, as far as that is known.
  private func isSameEntry(_ a: UInt64, _ b: UInt64, index: UInt64?) -> Bool {
    guard a & ~Self.frameBits == b & ~Self.frameBits else { return false }
    let frames = (a & Self.frameBits, b & Self.frameBits)
    // Without P it need not be a frame: it is one if it was before.
    let isPresent = a & 1 != 0
    if !isPresent, frames.0 == frames.1 { return true }
    return isSameFrame(frames.0, frames.1, index: index, isLarge: a & 1 << 7 != 0, isKnown: !isPresent)
  }

  /// The entry at a physical address: of 8 bytes under PAE, of 4 in 32-bit paging.
  private func isSameEntry(_ a: UInt64, _ b: UInt64, indexOfEntryAt address: UInt64) -> Bool {
    let frame = a >> 12
    let isMapOfAllMemory = address >> 3 & 0x1ff == frame & 0x1ff || address >> 2 & 0x3ff == frame & 0x3ff
    return isSameEntry(a, b, index: isMapOfAllMemory ? frame & 0x1ff : nil)
  }

  /// Whether a frame of the run stands for one of the golden.
  ///
  /// - Parameters:
  ///   - index: which entry of a page table maps it. In a map of all memory, that is the frame's number.
  ///   - isKnown: only if it is known already.
  private func isSameFrame(
    _ a: UInt64, _ b: UInt64, index: UInt64?, isLarge: Bool = false, isKnown: Bool = false
  ) -> Bool {
    let isInPlace = a == b && (index == a >> 12 & 0x1ff || isLarge && a >> 12 & 0x1ff == 0)
    guard isMemory(a), isMemory(b) else { return a == b }
    let (inGolden, inRun) = (golden.map.linked(ofPhysical: a) != nil, run.map.linked(ofPhysical: b) != nil)
    if inGolden, inRun {
      let objects = (golden.object(ofPage: a), run.object(ofPage: b))
      if let first = objects.0, let second = objects.1 { return first == second || isInPlace }
      if objects.0 != nil || objects.1 != nil {
        return golden.map.names.isEmpty ? stand(a, b, isKnown) : isInPlace
      }
    } else if inGolden != inRun {
      return isInPlace
    }
    if isInPlace { return true }
    return stand(a, b, isKnown)
  }

  /// Whether an address in the run's image stands for one in the golden's, whose names were not kept.
  private func stand(address a: UInt64, _ b: UInt64) -> Bool {
    switch addresses.knowledge(a, b) {
    case .same: return true
    case .different: return false
    case .unknown:
      addresses.pair(a, b)
      return true
    }
  }

  private func stand(_ a: UInt64, _ b: UInt64, _ isKnown: Bool) -> Bool {
    switch frames.knowledge(a, b) {
    case .same: return true
    case .different: return false
    case .unknown:
      guard !isKnown else { return false }
      frames.pair(a, b)
      return true
    }
  }
}
