// Executes instructions on the host's own processor: a static 32-bit program without a library.
//
// It shares a file with whoever started it: first the pages that instructions see, at 400000h, then a request, at 10000000h.
// For each byte on its input it takes the states of the request one after the other, lets the processor go on from each at
// its EIP until an exception comes (the code's page is full of HLT, which is one), and writes down the state then. States
// are loaded and taken by way of the frame that Linux keeps for a signal handler: the kernel saves and restores
// everything, segment registers, x87, MMX and SSE included, whatever the instruction has done to them.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

enum {
  pages = 0x400000, pages_size = 0x60000, request_at = 0x10000000,
  data_window = 0x440000, data_size = 640, stack_window = 0x450000, stack_size = 192,
};

// Tests/EmulatorTests/Vectors/VectorState.swift has the same.
struct state {
  u32 general[8];
  u32 eflags, eip;
  u16 selectors[6];  // ES, CS, SS, DS, FS, GS
  u8 vector, padding;
  u16 error_code;
  u32 cr2, more_padding;
  u16 control, status;
  u8 used, used_padding[3];
  u32 mxcsr, last_padding;
  u8 r[8][10];
  u8 xmm[8][16];
  u8 data[data_size];
  u8 stack[stack_size];
};

struct request {
  u32 count, size, reserved[14];
  struct state states[];
};

// The kernel's frame: arch/x86/include/uapi/asm/sigcontext.h, for 32 bits.
struct fpstate {
  u32 control, status, tags, pointers[4];
  u8 st[8][10];
  u16 status_again, magic;
  u8 before_mxcsr[24];
  u32 mxcsr, mxcsr_mask;
  u8 fxsr_st[8][16];
  u8 xmm[8][16];
};

struct context {
  u16 gs, gsh, fs, fsh, es, esh, ds, dsh;
  u32 edi, esi, ebp, esp, ebx, edx, ecx, eax, trap, error, eip;
  u16 cs, csh;
  u32 eflags, esp_at_signal;
  u16 ss, ssh;
  struct fpstate *fp;
  u32 old_mask, cr2;
};

struct frame {
  u32 flags, link, stack[3];
  struct context context;
};

static u8 signal_stack[65536] __attribute__((aligned(64)));
static struct context home;
static u32 is_running, position;

static void copy(void *to, const void *from, u32 count) {
  for (u32 i = 0; i < count; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
}

static void load(const struct state *s, struct context *c) {
  u32 *general[8] = {&c->eax, &c->ecx, &c->edx, &c->ebx, &c->esp, &c->ebp, &c->esi, &c->edi};
  for (int i = 0; i < 8; i++) *general[i] = s->general[i];
  c->eflags = s->eflags;
  c->eip = s->eip;
  u16 *selectors[6] = {&c->es, &c->cs, &c->ss, &c->ds, &c->fs, &c->gs};
  for (int i = 0; i < 6; i++) *selectors[i] = s->selectors[i];
  struct fpstate *fp = c->fp;
  u32 top = s->status >> 11 & 7;
  fp->control = 0xffff0000 | s->control;
  fp->status = 0xffff0000 | s->status;
  fp->status_again = s->status;
  fp->tags = 0xffff0000;
  for (int i = 0; i < 8; i++) {
    if (!(s->used >> i & 1)) fp->tags |= 3 << 2 * i;
    copy(fp->st[(i - top) & 7], s->r[i], 10);
    copy(fp->fxsr_st[(i - top) & 7], s->r[i], 10);
  }
  fp->mxcsr = s->mxcsr;
  copy(fp->xmm, s->xmm, sizeof s->xmm);
  copy((void *)data_window, s->data, data_size);
  copy((void *)stack_window, s->stack, stack_size);
}

static void take(struct state *s, const struct context *c) {
  const u32 *general[8] = {&c->eax, &c->ecx, &c->edx, &c->ebx, &c->esp, &c->ebp, &c->esi, &c->edi};
  for (int i = 0; i < 8; i++) s->general[i] = *general[i];
  s->eflags = c->eflags;
  s->eip = c->eip;
  const u16 *selectors[6] = {&c->es, &c->cs, &c->ss, &c->ds, &c->fs, &c->gs};
  for (int i = 0; i < 6; i++) s->selectors[i] = *selectors[i];
  s->vector = c->trap;
  s->error_code = c->error;
  s->cr2 = c->trap == 14 ? c->cr2 : 0;
  const struct fpstate *fp = c->fp;
  s->control = fp->control;
  s->status = fp->status;
  u32 top = s->status >> 11 & 7;
  s->used = 0;
  for (int i = 0; i < 8; i++) {
    if ((fp->tags >> 2 * i & 3) != 3) s->used |= 1 << i;
    copy(s->r[i], fp->st[(i - top) & 7], 10);
  }
  s->mxcsr = fp->mxcsr;
  copy(s->xmm, fp->xmm, sizeof s->xmm);
  copy(s->data, (void *)data_window, data_size);
  copy(s->stack, (void *)stack_window, stack_size);
}

static void handle(int number, void *information, struct frame *frame) {
  struct request *request = (void *)request_at;
  struct context *context = &frame->context;
  if (is_running) {
    take(&request->states[position++], context);
  } else {
    home = *context;
    is_running = 1;
    position = 0;
  }
  if (position < request->count) {
    load(&request->states[position], context);
  } else {
    is_running = 0;
    struct fpstate *fp = context->fp;
    *context = home;
    context->fp = fp;
    context->eip += 2;
  }
}

static int call(int number, u32 a, u32 b, u32 c, u32 d, u32 e) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
  return result;
}

// mmap2 takes its sixth argument in EBP; from a variable with a fixed address, because the stack moves.
static u32 first_page;

static int map(u32 address, u32 size, int file, u32 page) {
  int result;
  first_page = page;
  __asm__ volatile(
      "push %%ebp\n\tmov first_page, %%ebp\n\tint $0x80\n\tpop %%ebp"
      : "=a"(result)
      : "a"(192), "b"(address), "c"(size), "d"(7 /* all */), "S"(0x11 /* shared, fixed */), "D"(file), "m"(first_page)
      : "memory");
  return result;
}

static void leave(int status) {
  for (;;) call(1, status, 0, 0, 0, 0);
}

__attribute__((naked)) static void restore(void) { __asm__("mov $173, %eax\n\tint $0x80"); }

__attribute__((used)) static void begin(u32 *arguments) {
  if (arguments[0] < 2) leave(2);
  int file = call(5, arguments[2], 2 /* read and write */, 0, 0, 0);
  if (file < 0) leave(3);
  u32 request_size = 0x200000;
  if (map(pages, pages_size, file, 0) != pages) leave(4);
  if (map(request_at, request_size, file, pages_size >> 12) != request_at) leave(5);
  ((struct request *)request_at)->size = sizeof(struct state);
  u32 stack[3] = {(u32)signal_stack, 0, sizeof signal_stack};
  if (call(186, (u32)stack, 0, 0, 0, 0) < 0) leave(6);
  struct { void *handler; u32 flags; void *restorer; u32 mask[2]; } action = {
      (void *)handle, 0x04000000 | 0x08000000 | 4 /* restorer, on its stack, with information */, (void *)restore, {0, 0}};
  static const int signals[] = {4, 5, 7, 8, 11};
  for (int i = 0; i < 5; i++)
    if (call(174, signals[i], (u32)&action, 0, 8, 0) < 0) leave(7);
  u8 byte = 0;
  for (;;) {
    if (call(4, 1, (u32)&byte, 1, 0, 0) != 1) leave(0);
    if (call(3, 0, (u32)&byte, 1, 0, 0) != 1) leave(0);
    // A program that never ends takes the process with it: SIGALRM.
    call(27, 30, 0, 0, 0, 0);
    __asm__ volatile("ud2" ::: "memory");
    call(27, 0, 0, 0, 0, 0);
  }
}

__attribute__((naked)) void _start(void) {
  __asm__("mov %esp, %eax\n\tpush %eax\n\tcall begin\n\thlt");
}
