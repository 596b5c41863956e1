#define _GNU_SOURCE
#include "HostCode.h"

#if defined(__x86_64__) && defined(__linux__)

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/// A page of this thread's to write code into; null where the host forbids it.
static uint8_t *code_page(void) {
  static _Thread_local uint8_t *page;
  if (page == NULL) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page = memory == MAP_FAILED ? NULL : memory;
  }
  return page;
}

bool host_code_is_available(void) { return code_page() != NULL; }

uint32_t host_code_x87(
    const uint8_t *instruction, size_t length, uint8_t *image, uint16_t control, uint32_t eflags, void *memory) {
  uint8_t *code = code_page(), *next = code;
  static const uint8_t before[] = {
      0xdd, 0x27,        // frstor [rdi]
      0xd9, 0x2e,        // fldcw [rsi]
      0x51, 0x9d};       // push rcx; popfq
  static const uint8_t after[] = {
      0x9c, 0x58,        // pushfq; pop rax
      0xdd, 0x37,        // fnsave [rdi], which waits for no exception and leaves the unit as after FNINIT
      0xc3};
  memcpy(next, before, sizeof before), next += sizeof before;
  memcpy(next, instruction, length), next += length;
  memcpy(next, after, sizeof after);
  typedef uint64_t Function(uint8_t *image, const uint16_t *control, void *memory, uint64_t eflags);
  uint64_t result = ((Function *)(void *)code)(image, &control, memory, (eflags & 0x8d5) | 2);
  return (uint32_t)result & 0x8d5;
}

static _Thread_local uint32_t trapped_mxcsr;
static _Thread_local bool is_executing, has_trapped, resets_mxcsr;
static _Thread_local uint64_t continue_at;
static _Thread_local int trapped_vector;

static struct sigaction others[32];
static pthread_once_t once = PTHREAD_ONCE_INIT;

/// One handler for all threads, installed once: which thread executes an instruction of ours it knows by itself.
static void handle_exception(int number, siginfo_t *information, void *context) {
  (void)information;
  if (!is_executing) {
    // Not ours: the instruction raises it again, and whoever was there before hears of it.
    sigaction(number, &others[number], NULL);
    return;
  }
  ucontext_t *user = context;
  has_trapped = true;
  trapped_vector = (int)user->uc_mcontext.gregs[REG_TRAPNO];
  trapped_mxcsr = user->uc_mcontext.fpregs->mxcsr;
  if (resets_mxcsr) user->uc_mcontext.fpregs->mxcsr = 0x1f80;
  user->uc_mcontext.gregs[REG_RIP] = (greg_t)continue_at;
}

static void install_handler(void) {
  struct sigaction action = {.sa_sigaction = handle_exception, .sa_flags = SA_SIGINFO};
  static const int signals[] = {SIGFPE, SIGSEGV, SIGBUS, SIGILL};
  for (int index = 0; index < 4; index++) sigaction(signals[index], &action, &others[signals[index]]);
}

bool host_code_sse(const uint8_t *instruction, size_t length, HostSSEState *state) {
  uint8_t *code = code_page(), *next = code;
  static const uint8_t before[] = {
      0x51, 0x51,                          // push rcx; push rcx
      0x0f, 0x10, 0x07,                    // movups xmm0, [rdi]
      0x0f, 0x10, 0x4f, 0x10,              // movups xmm1, [rdi + 16]
      0x8b, 0x47, 0x24,                    // mov eax, [rdi + 36]
      0x0f, 0xae, 0x57, 0x20,              // ldmxcsr [rdi + 32]
  };
  static const uint8_t after[] = {
      0x9c, 0x59,                          // pushfq; pop rcx
      0x0f, 0xae, 0x5f, 0x20,              // stmxcsr [rdi + 32]
      0x89, 0x47, 0x24,                    // mov [rdi + 36], eax
      0x89, 0x4f, 0x28,                    // mov [rdi + 40], ecx
      0x0f, 0x11, 0x07,                    // movups [rdi], xmm0
      0x0f, 0xae, 0x16,                    // ldmxcsr [rsi]
      0x59, 0x59, 0xc3,                    // pop rcx; pop rcx; ret
  };
  memcpy(next, before, sizeof before), next += sizeof before;
  memcpy(next, instruction, length), next += length;
  continue_at = (uint64_t)next;
  memcpy(next, after, sizeof after);
  pthread_once(&once, install_handler);
  has_trapped = false;
  resets_mxcsr = true;
  is_executing = true;
  static const uint32_t usual = 0x1f80;
  ((void (*)(HostSSEState *, const uint32_t *))(void *)code)(state, &usual);
  is_executing = false;
  if (has_trapped) state->mxcsr = trapped_mxcsr;
  state->eflags &= 0x8d5;
  return has_trapped;
}

int host_code_simd(const uint8_t *instruction, size_t length, HostSIMDState *state) {
  uint8_t *code = code_page(), *next = code;
  static const uint8_t before[] = {
      0x57, 0x56,                          // push rdi; push rsi
      0x0f, 0xae, 0x0e,                    // fxrstor [rsi]
      0x8b, 0x07,                          // mov eax, [rdi]
      0x8b, 0x4f, 0x04,                    // mov ecx, [rdi + 4]
      0xff, 0x77, 0x08, 0x9d,              // push qword [rdi + 8]; popfq
      0x48, 0x8d, 0x3a,                    // lea rdi, [rdx]
  };
  static const uint8_t after[] = {
      0x9c,                                // pushfq
      0x48, 0x8b, 0x7c, 0x24, 0x10,        // mov rdi, [rsp + 16]
      0x89, 0x07,                          // mov [rdi], eax
      0x89, 0x4f, 0x04,                    // mov [rdi + 4], ecx
      0x58, 0x89, 0x47, 0x08,              // pop rax; mov [rdi + 8], eax
      0x5e, 0x5f,                          // pop rsi; pop rdi
      0x0f, 0xae, 0x06,                    // fxsave [rsi]
      0xdb, 0xe3,                          // fninit
      0x0f, 0xae, 0x57, 0x10,              // ldmxcsr [rdi + 16]
      0xc3,
  };
  memcpy(next, before, sizeof before), next += sizeof before;
  memcpy(next, instruction, length), next += length;
  continue_at = (uint64_t)next;
  memcpy(next, after, sizeof after);
  struct { uint32_t eax, ecx; uint64_t eflags; uint32_t usual; } registers = {
      state->eax, state->ecx, (state->eflags & 0x8d5) | 2, 0x1f80};
  _Alignas(16) uint8_t image[512], memory[64];
  memcpy(image, state->image, sizeof image);
  memcpy(memory, state->memory, sizeof memory);
  pthread_once(&once, install_handler);
  trapped_vector = -1;
  resets_mxcsr = false;
  is_executing = true;
  ((void (*)(void *, void *, void *))(void *)code)(&registers, image, memory + state->offset);
  is_executing = false;
  memcpy(state->image, image, sizeof image);
  memcpy(state->memory, memory, sizeof memory);
  state->eax = registers.eax, state->ecx = registers.ecx, state->eflags = registers.eflags & 0x8d5;
  return trapped_vector;
}

#else

bool host_code_is_available(void) { return false; }

uint32_t host_code_x87(
    const uint8_t *instruction, size_t length, uint8_t *image, uint16_t control, uint32_t eflags, void *memory) {
  (void)instruction, (void)length, (void)image, (void)control, (void)eflags, (void)memory;
  return 0;
}

bool host_code_sse(const uint8_t *instruction, size_t length, HostSSEState *state) {
  (void)instruction, (void)length, (void)state;
  return false;
}

int host_code_simd(const uint8_t *instruction, size_t length, HostSIMDState *state) {
  (void)instruction, (void)length, (void)state;
  return -1;
}

#endif
