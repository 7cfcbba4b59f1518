/*
 * Switch for aarch64, AAPCS64. x0: struct context of who leaves, x1: of who goes on.
 *
 * Frame, from sp upwards: x19 x20 ... x28 x29 x30 (12 words), d8 ... d15 (8 words): 160 bytes.
 */

	.text

	.globl	context_switch
	.hidden	context_switch
	.type	context_switch, %function
	.p2align 4
context_switch:
	.cfi_startproc
	hint	#34			/* bti c */
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	x19, x20, [sp, #0]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	stp	x21, x22, [sp, #16]
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	stp	x23, x24, [sp, #32]
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	stp	x25, x26, [sp, #48]
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	stp	x27, x28, [sp, #64]
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	stp	x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x2, fpcr
	str	w2, [x0, #8]
	mov	x3, sp
	str	x3, [x0]
	ldr	x3, [x1]
	mov	sp, x3
	ldr	w3, [x1, #8]
	cmp	w2, w3
	b.ne	1f
2:
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	mov	x16, x30
	.cfi_register x30, x16
	br	x16
1:	msr	fpcr, x3
	b	2b
	.cfi_endproc
	.size	context_switch, .-context_switch

/* The first instruction of a coroutine: x19 is its function, x20 the argument. */
	.globl	context_start
	.hidden	context_start
	.type	context_start, %function
	.p2align 4
context_start:
	.cfi_startproc
	.cfi_undefined x30
	hint	#36			/* bti j */
	mov	x0, x20
	blr	x19
	brk	#1
	.cfi_endproc
	.size	context_start, .-context_start

	.section .note.GNU-stack,"",%progbits
