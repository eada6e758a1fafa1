"""Reads logs of live traffic in bounded memory, and checks what is written from them."""
