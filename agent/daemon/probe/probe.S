# The smallest guest that tells whether KVM really runs guests: a multiboot
# kernel that does what operating systems do and half-working KVMs do not: long
# mode with paging, a trap, a locked 16-byte exchange, XSAVE and XRSTOR, and a
# hundred million turns of a loop. Then it says so on the serial line.
#
#   as --64 -o probe.o probe.S
#   ld -m elf_x86_64 -Ttext 0x100000 --oformat binary -o probe.bin probe.o
	.intel_syntax noprefix
	.text
	.code32
	.globl _start
_start:
	.set BASE, 0x100000
	.set MAGIC, 0x1BADB002
	.set FLAGS, 0x00010000		# the addresses below are to be used
	.align 4
header:
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long BASE + (header - _start), BASE, BASE + (end - _start), BASE + 0x10000, BASE + (entry - _start)

entry:
	cli
	mov esp, BASE + 0xf000
	# Identity pages for the first GiB, 2 MiB each: tables at BASE + 0x4000 on.
	mov edi, BASE + 0x4000
	xor eax, eax
	mov ecx, 0x3000 / 4
	rep stosd
	mov dword ptr [BASE + 0x4000], BASE + 0x5003
	mov dword ptr [BASE + 0x5000], BASE + 0x6003
	mov edi, BASE + 0x6000
	mov eax, 0x83
	mov ecx, 512
1:	mov [edi], eax
	add eax, 0x200000
	add edi, 8
	loop 1b
	mov eax, BASE + 0x4000
	mov cr3, eax
	mov eax, cr4
	or eax, 0x620			# PAE, FXSR, SIMD exceptions
	mov cr4, eax
	mov ecx, 0xC0000080		# EFER
	rdmsr
	or eax, 0x100			# long mode
	wrmsr
	mov eax, cr0
	and eax, ~4			# no emulated FPU
	or eax, 0x80000003		# paging, protection, monitor FPU
	mov cr0, eax
	lgdt [BASE + (gdtr - _start)]
	.byte 0xea			# far jump into 64 bits
	.long BASE + (long64 - _start)
	.word 8

	.code64
long64:
	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	# A trap and back.
	lea rax, [rip + trap]
	lea rdi, [rip + gate3]
	mov [rdi], ax
	shr rax, 16
	mov [rdi + 6], ax
	lidt [rip + idtr]
	xor ebx, ebx
	int3
	cmp ebx, 3
	jne fail
	# What the processor knows.
	mov eax, 1
	cpuid
	mov esi, ecx
	bt esi, 13
	jnc 2f
	mov edi, BASE + 0x7000
	xor eax, eax
	xor edx, edx
	mov [rdi], rax
	mov [rdi + 8], rax
	mov ebx, 5
	mov ecx, 7
	lock cmpxchg16b [rdi]
	jnz fail
	cmp dword ptr [rdi + 8], 7
	jne fail
2:	bt esi, 26
	jnc 3f
	mov rax, cr4
	or eax, 0x40000			# OSXSAVE
	mov cr4, rax
	xor ecx, ecx
	xor edx, edx
	mov eax, 3			# x87 and SSE
	xsetbv
	mov edi, BASE + 0x8000
	mov eax, 0x1234
	movq xmm1, rax
	mov eax, 3
	xor edx, edx
	xsave64 [rdi]
	pxor xmm1, xmm1
	xrstor64 [rdi]
	movq rbx, xmm1
	cmp ebx, 0x1234
	jne fail
3:	mov ecx, 100000000
4:	dec ecx
	jnz 4b
	lea rsi, [rip + good]
	jmp say
fail:	lea rsi, [rip + bad]
say:	mov dx, 0x3f8
5:	lodsb
	test al, al
	jz 6f
	out dx, al
	jmp 5b
6:	mov al, 0
	out 0xf4, al			# QEMU's isa-debug-exit
7:	hlt
	jmp 7b

trap:	mov ebx, 3
	iretq

good:	.asciz "stackd: guests run\n"
bad:	.asciz "stackd: guests go wrong\n"

	.align 8
gdt:	.quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
gdtr:	.word gdtr - gdt - 1
	.long BASE + (gdt - _start)
	.align 8
idt:	.fill 6, 8, 0			# gates 0, 1, 2
gate3:	.word 0, 8, 0x8e00, 0
	.quad 0
idtr:	.word idtr - idt - 1
	.quad BASE + (idt - _start)
end:
