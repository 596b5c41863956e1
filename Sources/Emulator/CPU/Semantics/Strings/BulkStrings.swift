import IA32

/// Many iterations of MOVS and STOS at once.
extension CPU {
  /// MOVS and STOS, forwards, in flat segments: as many iterations as fit in the pages and before the deadline, in one go.
  /// It follows a single iteration whose elements lay in the same pages: it has left both in the TLB, as the most recent of
  /// their sets (of two pages that share a set, the destination first), and more of the same change nothing there. The
  /// result, the counts and the cycles are those of single iterations. 0 when none can be done so.
  func bulk<W: OperandWord>(
    _ op: UnsafeMutablePointer<Op>, _ operation: StringOperation, _ cost: InstructionCosts.Cost,
    as type: W.Type
  ) -> UInt32 {
    guard operation == .movs || operation == .stos, op.pointee.addressWidth == 4,
      state.pointee.es.isFlatData,
      state.pointee.systemFlags & (EFLAGS.direction.rawValue | EFLAGS.trap.rawValue) == 0, usesFastPaths,
      !control.pointee.needsAttention
    else { return 0 }
    let bytes = UInt32(W.bitWidth / 8)
    let to = self[.edi]
    guard to & 0xfff >= bytes else { return 0 }
    var count = min(self[.ecx], (0x1000 &- to & 0xfff) / bytes)
    guard count > 0, let target = mmu.resident(to, .write) else { return 0 }
    var source: (host: UnsafeMutableRawPointer, source: DataSource)?
    if operation == .movs {
      let from = self[.esi]
      guard from & 0xfff >= bytes else { return 0 }
      count = min(count, (0x1000 &- from & 0xfff) / bytes)
      guard count > 0, state.pointee[op.pointee.segment].isFlatData, let found = mmu.resident(from, .read)
      else {
        return 0
      }
      source = found
    }
    var done: UInt32 = 0
    while done < count {
      let started = clock.state.pointee.now &+ cost.cycles &* UInt64(done &+ 1)
      guard started < clock.state.pointee.deadline else { break }
      let place = target.host + Int(done &* bytes)
      let from = source.map { $0.host + Int(done &* bytes) }
      let run = min(
        count &- done, enterLines(from, place, bytes: bytes), iterationsBeforeDeadline(done, cost))
      if let from {
        move(from, to: place, count: run, as: type)
      } else {
        fill(place, with: register(0, as: type), count: run)
      }
      done &+= run
    }
    mmu.countHits(UInt64(done), target.source)
    if let source {
      mmu.countHits(UInt64(done), source.source)
      self[.esi] &+= done &* bytes
    }
    self[.edi] &+= done &* bytes
    self[.ecx] &-= done
    return done
  }

  /// Looks up the lines of the next iteration in L1D; how many iterations stay in them.
  private func enterLines(
    _ source: UnsafeMutableRawPointer?, _ target: UnsafeMutableRawPointer, bytes: UInt32
  ) -> UInt32 {
    guard caches.isOn else { return .max }
    var iterations = iterationsInLine(target, bytes: bytes)
    let targetAddress = bus.memory.physicalAddress(ofHost: target)
    if let source {
      let sourceAddress = bus.memory.physicalAddress(ofHost: source)
      caches.access(sourceAddress, bytes: bytes, .load)
      iterations = min(iterations, iterationsInLine(source, bytes: bytes))
      // Where each of the two may have evicted the other, every iteration looks them up again.
      if !caches.keepsBoth(sourceAddress, targetAddress) { iterations = 1 }
    }
    caches.access(targetAddress, bytes: bytes, .store)
    return iterations
  }

  /// At least one, which may cross into the next line.
  private func iterationsInLine(_ host: UnsafeMutableRawPointer, bytes: UInt32) -> UInt32 {
    let lineBytes: UInt32 = 1 << CacheHierarchy.lineShift
    let offset = UInt32(truncatingIfNeeded: Int(bitPattern: host)) & (lineBytes &- 1)
    return max(1, (lineBytes &- offset) / bytes)
  }

  /// How many iterations begin before the deadline, when `done` have been made and the next has entered its lines. It
  /// has begun, so it counts whatever they cost.
  private func iterationsBeforeDeadline(_ done: UInt32, _ cost: InstructionCosts.Cost) -> UInt32 {
    let now = clock.state.pointee.now &+ cost.cycles &* UInt64(done &+ 1)
    let deadline = clock.state.pointee.deadline
    guard now < deadline else { return 1 }
    return UInt32(clamping: (deadline &- now &- 1) / cost.cycles &+ 1)
  }

  private func fill<W: OperandWord>(_ target: UnsafeMutableRawPointer, with value: W, count: UInt32) {
    var place = target
    for _ in 0..<count {
      place.storeBytes(of: value, as: W.self)
      place += W.bitWidth / 8
    }
  }

  /// Ascending copies; where the destination overlaps the source ahead of it the bytes repeat, as single moves make them.
  private func move<W: OperandWord>(
    _ source: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer, count: UInt32, as type: W.Type
  ) {
    let size = Int(count) &* W.bitWidth / 8
    if target <= source || target >= source + size {
      target.copyMemory(from: source, byteCount: size)
      return
    }
    var from = source
    var to = target
    for _ in 0..<count {
      to.storeBytes(of: from.loadUnaligned(as: type), as: type)
      from += W.bitWidth / 8
      to += W.bitWidth / 8
    }
  }
}
