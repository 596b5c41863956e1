import IA32

extension Interpreter: BlockExecutor {
  @inline(__always)
  func execute(_ block: UnsafeMutablePointer<Block>, from first: UnsafeMutablePointer<Op>) {
    var op = first
    do throws(GuestFault) {
      loop: while true {
        if Following.isOn { cpu.tellInstruction(op) }
        switch op.pointee.handler {
        case .endOfBlock:
          state.pointee.eip = op.pointee.nextEIP
          break loop
        case .fetchLine:
          cpu.fetchLine(op)
        case .leave:
          return cpu.leave(block, before: op)
        case .general:
          try cpu.general(op)
        case .generalEnd:
          try cpu.generalEnd(op)
          break loop
        case .undefined:
          try cpu.undefined(op)
        case .string:
          if try cpu.string(op) { return cpu.leaveString(block, op) }

        // MARK: Data movement
        case .movRR: destination(op).pointee = source(op)
        case .movRI: destination(op).pointee = op.pointee.immediate
        case .movRM: destination(op).pointee = try load(address(op), as: UInt32.self, op)
        case .movMR: try store(address(op), source(op), op)
        case .movMI: try store(address(op), op.pointee.immediate, op)
        case .movByteRR: byte(op.pointee.destination).pointee = byte(op.pointee.source).pointee
        case .movByteRI:
          byte(op.pointee.destination).pointee = UInt8(truncatingIfNeeded: op.pointee.immediate)
        case .movByteRM: byte(op.pointee.destination).pointee = try load(address(op), as: UInt8.self, op)
        case .movByteMR: try store(address(op), byte(op.pointee.source).pointee, op)
        case .movByteMI: try store(address(op), UInt8(truncatingIfNeeded: op.pointee.immediate), op)
        case .movWordMR: try store(address(op), UInt16(truncatingIfNeeded: source(op)), op)
        case .movWordRM: word(op.pointee.destination).pointee = try load(address(op), as: UInt16.self, op)
        case .movzxByteRR: destination(op).pointee = UInt32(byte(op.pointee.source).pointee)
        case .movzxByteRM: destination(op).pointee = UInt32(try load(address(op), as: UInt8.self, op))
        case .movzxWordRR: destination(op).pointee = source(op) & 0xffff
        case .movzxWordRM: destination(op).pointee = UInt32(try load(address(op), as: UInt16.self, op))
        case .movsxByteRR:
          destination(op).pointee = UInt32(
            truncatingIfNeeded: Int8(bitPattern: byte(op.pointee.source).pointee))
        case .movsxByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          destination(op).pointee = UInt32(truncatingIfNeeded: Int8(bitPattern: value))
        case .movsxWordRR:
          destination(op).pointee = UInt32(truncatingIfNeeded: Int16(truncatingIfNeeded: source(op)))
        case .movsxWordRM:
          let value = try load(address(op), as: UInt16.self, op)
          destination(op).pointee = UInt32(truncatingIfNeeded: Int16(bitPattern: value))
        case .lea: destination(op).pointee = address(op)
        case .xchgRR:
          let old = destination(op).pointee
          destination(op).pointee = source(op)
          r[Int(op.pointee.source)] = old
        case .pushR: try push(destination(op).pointee, op)
        case .pushI: try push(op.pointee.immediate, op)
        case .pushM: try push(try load(address(op), as: UInt32.self, op), op)
        case .popR:
          let value = try load(r[4], as: UInt32.self, op)
          r[4] &+= 4
          destination(op).pointee = value
        case .leaveFrame:
          let value = try load(r[5], as: UInt32.self, op)
          r[4] = r[5] &+ 4
          r[5] = value
        case .nop: break
        case .cdq: r[2] = UInt32(bitPattern: Int32(bitPattern: r[0]) >> 31)

        // MARK: 32-bit arithmetic
        case .addRR: destination(op).pointee = state.pointee.flags.add(destination(op).pointee, source(op))
        case .addRI:
          destination(op).pointee = state.pointee.flags.add(destination(op).pointee, op.pointee.immediate)
        case .addRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.add(destination(op).pointee, value)
        case .addMR: try modify(op) { state.pointee.flags.add($0, source(op)) }
        case .addMI: try modify(op) { state.pointee.flags.add($0, op.pointee.immediate) }
        case .orRR: destination(op).pointee = state.pointee.flags.or(destination(op).pointee, source(op))
        case .orRI:
          destination(op).pointee = state.pointee.flags.or(destination(op).pointee, op.pointee.immediate)
        case .orRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.or(destination(op).pointee, value)
        case .orMR: try modify(op) { state.pointee.flags.or($0, source(op)) }
        case .orMI: try modify(op) { state.pointee.flags.or($0, op.pointee.immediate) }
        case .adcRR:
          destination(op).pointee = state.pointee.flags.addWithCarry(destination(op).pointee, source(op))
        case .adcRI:
          destination(op).pointee =
            state.pointee.flags.addWithCarry(destination(op).pointee, op.pointee.immediate)
        case .adcRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.addWithCarry(destination(op).pointee, value)
        case .adcMR: try modify(op) { state.pointee.flags.addWithCarry($0, source(op)) }
        case .adcMI: try modify(op) { state.pointee.flags.addWithCarry($0, op.pointee.immediate) }
        case .sbbRR:
          destination(op).pointee =
            state.pointee.flags.subtractWithBorrow(destination(op).pointee, source(op))
        case .sbbRI:
          destination(op).pointee =
            state.pointee.flags.subtractWithBorrow(destination(op).pointee, op.pointee.immediate)
        case .sbbRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.subtractWithBorrow(destination(op).pointee, value)
        case .sbbMR: try modify(op) { state.pointee.flags.subtractWithBorrow($0, source(op)) }
        case .sbbMI: try modify(op) { state.pointee.flags.subtractWithBorrow($0, op.pointee.immediate) }
        case .andRR: destination(op).pointee = state.pointee.flags.and(destination(op).pointee, source(op))
        case .andRI:
          destination(op).pointee = state.pointee.flags.and(destination(op).pointee, op.pointee.immediate)
        case .andRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.and(destination(op).pointee, value)
        case .andMR: try modify(op) { state.pointee.flags.and($0, source(op)) }
        case .andMI: try modify(op) { state.pointee.flags.and($0, op.pointee.immediate) }
        case .subRR:
          destination(op).pointee = state.pointee.flags.subtract(destination(op).pointee, source(op))
        case .subRI:
          destination(op).pointee = state.pointee.flags.subtract(
            destination(op).pointee, op.pointee.immediate)
        case .subRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.subtract(destination(op).pointee, value)
        case .subMR: try modify(op) { state.pointee.flags.subtract($0, source(op)) }
        case .subMI: try modify(op) { state.pointee.flags.subtract($0, op.pointee.immediate) }
        case .xorRR:
          destination(op).pointee = state.pointee.flags.exclusiveOr(destination(op).pointee, source(op))
        case .xorRI:
          destination(op).pointee =
            state.pointee.flags.exclusiveOr(destination(op).pointee, op.pointee.immediate)
        case .xorRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.exclusiveOr(destination(op).pointee, value)
        case .xorMR: try modify(op) { state.pointee.flags.exclusiveOr($0, source(op)) }
        case .xorMI: try modify(op) { state.pointee.flags.exclusiveOr($0, op.pointee.immediate) }
        case .cmpRR: _ = state.pointee.flags.subtract(destination(op).pointee, source(op))
        case .cmpRI: _ = state.pointee.flags.subtract(destination(op).pointee, op.pointee.immediate)
        case .cmpRM:
          let value = try load(address(op), as: UInt32.self, op)
          _ = state.pointee.flags.subtract(destination(op).pointee, value)
        case .cmpMR:
          let value = try load(address(op), as: UInt32.self, op)
          _ = state.pointee.flags.subtract(value, source(op))
        case .cmpMI:
          let value = try load(address(op), as: UInt32.self, op)
          _ = state.pointee.flags.subtract(value, op.pointee.immediate)
        case .testRR: state.pointee.flags.setLogic(destination(op).pointee & source(op))
        case .testRI: state.pointee.flags.setLogic(destination(op).pointee & op.pointee.immediate)
        case .testMR:
          state.pointee.flags.setLogic(try load(address(op), as: UInt32.self, op) & source(op))
        case .testMI:
          state.pointee.flags.setLogic(try load(address(op), as: UInt32.self, op) & op.pointee.immediate)
        case .incR: destination(op).pointee = state.pointee.flags.increment(destination(op).pointee)
        case .decR: destination(op).pointee = state.pointee.flags.decrement(destination(op).pointee)
        case .negR: destination(op).pointee = state.pointee.flags.negate(destination(op).pointee)
        case .notR: destination(op).pointee = ~destination(op).pointee
        case .incM: try modify(op) { state.pointee.flags.increment($0) }
        case .decM: try modify(op) { state.pointee.flags.decrement($0) }
        case .shlRI:
          destination(op).pointee =
            state.pointee.flags.shiftLeft(destination(op).pointee, by: op.pointee.immediate)
        case .shrRI:
          destination(op).pointee =
            state.pointee.flags.shiftRight(destination(op).pointee, by: op.pointee.immediate)
        case .sarRI:
          destination(op).pointee =
            state.pointee.flags.shiftRightArithmetic(destination(op).pointee, by: op.pointee.immediate)
        case .shlRC:
          destination(op).pointee = state.pointee.flags.shiftLeft(destination(op).pointee, by: r[1])
        case .shrRC:
          destination(op).pointee = state.pointee.flags.shiftRight(destination(op).pointee, by: r[1])
        case .sarRC:
          destination(op).pointee =
            state.pointee.flags.shiftRightArithmetic(destination(op).pointee, by: r[1])
        case .rolRI:
          destination(op).pointee =
            state.pointee.flags.rotateLeft(destination(op).pointee, by: op.pointee.immediate)
        case .rorRI:
          destination(op).pointee =
            state.pointee.flags.rotateRight(destination(op).pointee, by: op.pointee.immediate)
        case .shldRRI:
          destination(op).pointee = state.pointee.flags.shiftLeftDouble(
            destination(op).pointee, from: source(op), by: op.pointee.immediate)
        case .shrdRRI:
          destination(op).pointee = state.pointee.flags.shiftRightDouble(
            destination(op).pointee, from: source(op), by: op.pointee.immediate)
        case .shldRRC:
          destination(op).pointee = state.pointee.flags.shiftLeftDouble(
            destination(op).pointee, from: source(op), by: r[1])
        case .shrdRRC:
          destination(op).pointee = state.pointee.flags.shiftRightDouble(
            destination(op).pointee, from: source(op), by: r[1])
        case .imulRR:
          destination(op).pointee =
            state.pointee.flags.multiplyTruncating(destination(op).pointee, source(op))
        case .imulRM:
          let value = try load(address(op), as: UInt32.self, op)
          destination(op).pointee = state.pointee.flags.multiplyTruncating(destination(op).pointee, value)
        case .imulRRI:
          destination(op).pointee = state.pointee.flags.multiplyTruncating(source(op), op.pointee.immediate)
        case .mulR: (r[0], r[2]) = state.pointee.flags.multiply(r[0], destination(op).pointee)
        case .divR:
          (r[0], r[2]) = try LazyFlags.divide(high: r[2], low: r[0], by: destination(op).pointee)
        case .bsfRR:
          if let bit = state.pointee.flags.bitScanForward(source(op)) { destination(op).pointee = bit }
        case .bsrRR:
          if let bit = state.pointee.flags.bitScanReverse(source(op)) { destination(op).pointee = bit }

        // MARK: 8-bit arithmetic
        case .cmpByteRR:
          _ = state.pointee.flags.subtract(
            byte(op.pointee.destination).pointee, byte(op.pointee.source).pointee)
        case .cmpByteRI:
          _ = state.pointee.flags.subtract(byte(op.pointee.destination).pointee, immediate8(op))
        case .cmpByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          _ = state.pointee.flags.subtract(byte(op.pointee.destination).pointee, value)
        case .cmpByteMR:
          let value = try load(address(op), as: UInt8.self, op)
          _ = state.pointee.flags.subtract(value, byte(op.pointee.source).pointee)
        case .cmpByteMI:
          _ = state.pointee.flags.subtract(try load(address(op), as: UInt8.self, op), immediate8(op))
        case .testByteRR:
          state.pointee.flags.setLogic(
            byte(op.pointee.destination).pointee & byte(op.pointee.source).pointee)
        case .testByteRI:
          state.pointee.flags.setLogic(byte(op.pointee.destination).pointee & immediate8(op))
        case .testByteMI:
          state.pointee.flags.setLogic(try load(address(op), as: UInt8.self, op) & immediate8(op))
        case .addByteRR:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.add(place.pointee, byte(op.pointee.source).pointee)
        case .addByteRI:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.add(place.pointee, immediate8(op))
        case .addByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.add(place.pointee, value)
        case .orByteRR:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.or(place.pointee, byte(op.pointee.source).pointee)
        case .orByteRI:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.or(place.pointee, immediate8(op))
        case .orByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.or(place.pointee, value)
        case .andByteRR:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.and(place.pointee, byte(op.pointee.source).pointee)
        case .andByteRI:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.and(place.pointee, immediate8(op))
        case .andByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.and(place.pointee, value)
        case .subByteRR:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.subtract(place.pointee, byte(op.pointee.source).pointee)
        case .subByteRI:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.subtract(place.pointee, immediate8(op))
        case .subByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.subtract(place.pointee, value)
        case .xorByteRR:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.exclusiveOr(place.pointee, byte(op.pointee.source).pointee)
        case .xorByteRI:
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.exclusiveOr(place.pointee, immediate8(op))
        case .xorByteRM:
          let value = try load(address(op), as: UInt8.self, op)
          let place = byte(op.pointee.destination)
          place.pointee = state.pointee.flags.exclusiveOr(place.pointee, value)

        // MARK: Conditions
        case .setccR:
          byte(op.pointee.destination).pointee =
            state.pointee.flags.condition(op.pointee.condition) ? 1 : 0
        case .cmovRR:
          if state.pointee.flags.condition(op.pointee.condition) { destination(op).pointee = source(op) }
        case .cmovRM:
          // The load happens, and may fault, whatever the condition.
          let value = try load(address(op), as: UInt32.self, op)
          if state.pointee.flags.condition(op.pointee.condition) { destination(op).pointee = value }
        case .jo:
          branch(op, if: state.pointee.flags.condition(0))
          break loop
        case .jno:
          branch(op, if: state.pointee.flags.condition(1))
          break loop
        case .jb:
          branch(op, if: state.pointee.flags.condition(2))
          break loop
        case .jae:
          branch(op, if: state.pointee.flags.condition(3))
          break loop
        case .je:
          branch(op, if: state.pointee.flags.condition(4))
          break loop
        case .jne:
          branch(op, if: state.pointee.flags.condition(5))
          break loop
        case .jbe:
          branch(op, if: state.pointee.flags.condition(6))
          break loop
        case .ja:
          branch(op, if: state.pointee.flags.condition(7))
          break loop
        case .js:
          branch(op, if: state.pointee.flags.condition(8))
          break loop
        case .jns:
          branch(op, if: state.pointee.flags.condition(9))
          break loop
        case .jp:
          branch(op, if: state.pointee.flags.condition(10))
          break loop
        case .jnp:
          branch(op, if: state.pointee.flags.condition(11))
          break loop
        case .jl:
          branch(op, if: state.pointee.flags.condition(12))
          break loop
        case .jge:
          branch(op, if: state.pointee.flags.condition(13))
          break loop
        case .jle:
          branch(op, if: state.pointee.flags.condition(14))
          break loop
        case .jg:
          branch(op, if: state.pointee.flags.condition(15))
          break loop

        // MARK: Near transfers
        case .jmp:
          state.pointee.eip = op.pointee.immediate
          if Timing.modelsCaches { cpu.branched(taken: true, predicted: true) }
          break loop
        case .jmpR:
          state.pointee.eip = destination(op).pointee
          indirectBranch(op)
          break loop
        case .jmpM:
          state.pointee.eip = try load(address(op), as: UInt32.self, op)
          indirectBranch(op)
          break loop
        case .call:
          try push(op.pointee.nextEIP, op)
          state.pointee.eip = op.pointee.immediate
          if Timing.modelsCaches {
            cpu.predictor.call(returningTo: op.pointee.nextEIP)
            cpu.branched(taken: true, predicted: true)
          }
          break loop
        case .callR:
          let target = destination(op).pointee
          try push(op.pointee.nextEIP, op)
          state.pointee.eip = target
          if Timing.modelsCaches { cpu.predictor.call(returningTo: op.pointee.nextEIP) }
          indirectBranch(op)
          break loop
        case .callM:
          let target = try load(address(op), as: UInt32.self, op)
          try push(op.pointee.nextEIP, op)
          state.pointee.eip = target
          if Timing.modelsCaches { cpu.predictor.call(returningTo: op.pointee.nextEIP) }
          indirectBranch(op)
          break loop
        case .ret:
          state.pointee.eip = try load(r[4], as: UInt32.self, op)
          r[4] &+= 4
          returned()
          break loop
        case .retI:
          state.pointee.eip = try load(r[4], as: UInt32.self, op)
          r[4] &+= 4 &+ (op.pointee.immediate & 0xffff)
          returned()
          break loop
        }
        op += 1
      }
      clock.pointee.now &+= UInt64(block.pointee.cycles)
      cpu.counters.pointee.instructions &+= UInt64(block.pointee.count)
      if Timing.modelsCaches { cpu.caches.breakdown.pointee.l1 &+= UInt64(block.pointee.l1Cycles) }
    } catch {
      cpu.raise(error, in: block, at: op)
    }
  }

  @inline(__always)
  func immediate8(_ op: UnsafeMutablePointer<Op>) -> UInt8 { UInt8(truncatingIfNeeded: op.pointee.immediate) }

  @inline(__always)
  func branch(_ op: UnsafeMutablePointer<Op>, if condition: Bool) {
    state.pointee.eip = condition ? op.pointee.immediate : op.pointee.nextEIP
    guard Timing.modelsCaches else { return }
    let predicted = cpu.predictor.predictsCondition(
      op.pointee.eip, target: op.pointee.immediate, taken: condition)
    cpu.branched(taken: condition, predicted: predicted)
  }

  @inline(__always)
  func indirectBranch(_ op: UnsafeMutablePointer<Op>) {
    guard Timing.modelsCaches else { return }
    cpu.branched(
      taken: true, predicted: cpu.predictor.predictsTarget(op.pointee.eip, target: state.pointee.eip))
  }

  @inline(__always)
  func returned() {
    guard Timing.modelsCaches else { return }
    cpu.branched(taken: true, predicted: cpu.predictor.predictsReturn(to: state.pointee.eip))
  }
}
