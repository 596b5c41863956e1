import Emulator
import IA32

extension AuditRun {
  // MARK: kmap and fixmap

  func checkWindows() {
    checkKmapWindow()
    checkFixmap()
    for (frame, address) in descriptors.kmapped {
      let slot = (address &- KernelLayout.kmapBase) >> 12
      let shown = slot < KernelLayout.kmapPages ? walk(address, cr3: referenceCR3).translation : nil
      expect(
        shown.map { $0.frame >> 12 == UInt64(frame) } ?? false, .kmapWindow,
        "frame \(frame) says that kmap shows it at \(hex(address)), and it does not")
    }
  }

  private func checkKmapWindow() {
    for slot in 0..<KernelLayout.kmapPages {
      let counts = memory.word(directlyMapped: symbols[.kmapCounts] + slot / 2 * 4) ?? 0
      let count = slot % 2 == 0 ? counts & 0xFFFF : counts >> 16
      let linear = KernelLayout.kmapBase + slot << 12
      let translation = walk(linear, cr3: referenceCR3).translation
      guard let translation else {
        expect(count == 0, .kmapWindow, "kmap slot \(slot) has count \(count), but nothing is mapped there")
        continue
      }
      let frame = UInt32(truncatingIfNeeded: min(translation.frame >> 12, 0xFFFF_FFFF))
      expect(
        count > 0, .kmapWindow, "kmap slot \(slot) is free, but frame \(frame) is mapped there")
      expect(!translation.isUser, .kernelRights, "\(hex(linear)) is open to ring 3")
      expect(
        frame >= maxLowFrame && frame < maxFrame && descriptor(frame).virtual == linear, .kmapWindow,
        "kmap slot \(slot) shows frame \(frame), which does not know it")
      // With count 1 it is unused: the page may be free, and the mapping waits for the next flush.
      if count > 1 { views.append((frame, "kmap slot \(slot)")) }
    }
  }

  private func checkFixmap() {
    forEachMapping(in: UInt64(KernelLayout.fixmapTableBase)..<1 << 32, cr3: referenceCR3) { mapping in
      let slot = (KernelLayout.fixmapTop &- mapping.linear) >> 12
      expect(
        KernelLayout.fixmapSlots.contains(slot), .fixmap,
        "\(hex(mapping.linear)) in the fixmap is mapped to frame \(mapping.frame), and no slot may be there")
      expect(!mapping.translation.isUser, .kernelRights, "\(hex(mapping.linear)) is open to ring 3")
      if KernelLayout.kmapAtomicSlots.contains(slot) {
        views.append(
          (UInt32(truncatingIfNeeded: min(mapping.frame, 0xFFFF_FFFF)), "fixmap slot \(slot)"))
      }
    }
  }

  // MARK: The TLB

  /// What the processor holds must be what memory says: the kernel's half by the reference table, the rest by the running
  /// one. Only ranges that wait for a lazy flush may disagree.
  func checkTLB() {
    let mayBeStale =
      variable(.tlbFlushPolicy) == KernelLayout.FlushPolicy.lazy ? areas.filter(\.isLazilyFreed) : []
    for array in TLBArrayName.allCases {
      for line in machine.tlb(array) {
        let held = line.entry.translation
        let linear = line.entry.page << (held.isLarge ? 21 : 12)
        if mayBeStale.contains(where: { linear >= $0.start && UInt64(linear) < $0.end }) { continue }
        let found =
          linear >= KernelLayout.pageOffset
          ? walk(linear, cr3: referenceCR3)
          : machine.walk(LinearAddress(linear), PageAccess(.read, user: false))
        expectSame(held, found.translation, "the \(array.rawValue) array", linear)
      }
    }
  }

  private func expectSame(_ held: Translation, _ found: Translation?, _ array: String, _ linear: UInt32) {
    let beginning = "\(array) of the TLB still translates \(hex(linear)) to frame \(held.frame >> 12), "
    guard let found else {
      report(.staleTranslation, beginning + "where nothing is mapped any more")
      return
    }
    if held.frame != found.frame || held.isLarge != found.isLarge {
      report(.staleTranslation, beginning + "where frame \(found.frame >> 12) is mapped now")
    } else if held.isWritable != found.isWritable || held.isUser != found.isUser
      || held.isNoExecute != found.isNoExecute || held.isCacheDisabled != found.isCacheDisabled
    {
      report(.staleTranslation, beginning + "with other rights than memory gives now")
    }
  }
}
