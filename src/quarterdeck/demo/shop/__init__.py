"""The shop: web, catalogue, orders, payments, supplier and admin, and the payment provider they depend on."""
