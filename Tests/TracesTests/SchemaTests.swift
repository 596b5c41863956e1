import Emulator
import Testing

@testable import Traces

/// The kinds of events and their fields: what the format promises.
@Suite("Trace schema")
struct SchemaTests {
  /// The numbers are in every trace: a new kind goes to the end.
  @Test func kindsHaveTheBitsOfTheMachinesEvents() {
    let known: [(EventKind, EventKinds)] = [
      (.instruction, .instruction), (.access, .access), (.walk, .walk), (.tlbFill, .tlbFill),
      (.tlbEvict, .tlbEvict), (.flush, .flush), (.pteStore, .pteStore), (.fault, .fault),
      (.interrupt, .interrupt), (.mmio, .mmio), (.port, .port), (.task, .task), (.mode, .mode),
      (.console, .console),
    ]
    #expect(known.count == EventKind.allCases.count)
    for (kind, kinds) in known { #expect(kind.kinds == kinds, "\(kind)") }
    #expect(EventKind.allCases.reduce(into: EventKinds()) { $0.insert($1.kinds) } == .all)
    #expect(EventKind.allCases.count <= EventKind.maxCount)
  }

  @Test func everyKindHasItsFieldsAndNoMore() {
    for kind in EventKind.allCases {
      let fields = EventSchema.fields(of: kind)
      #expect(!fields.isEmpty && fields.count <= TraceEvent.maxFields, "\(kind)")
      #expect(Set(fields.map(\.name)).count == fields.count, "\(kind)")
      #expect(EventKind(name: kind.name) == kind)
    }
    #expect(
      EventSchema.lines(of: .walk)
        == "event 2 walk linear,access,pdpte,pde-at,pde,pte-at,pte,set-bits-in,fault,frame,page")
  }

  /// A kind above 14 has a byte of its own, and so has a processor.
  @Test func unknownKindsAreRefused() {
    for bytes in [[0x0f, 20], [0x0f, 3], [0xff, 1, 0x0f, 63], [0x0e]] as [[UInt8]] {
      var decoder = EventDecoder(events: bytes, times: [0], count: 1)
      #expect(decoder.next() == nil)
      let isSound = decoder.isSound
      #expect(!isSound)
    }
  }
}
